"""Checks that nothing that the device made was lost, changed, or took effect twice at the office.

The oracle does not use the program's own records. It receives every document when it is made, and reads the server's
content, the server's journal of every store, and the messages of the mail server. It asks the device what it counts as
delivered only to find false receipts.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Mail:
    """A message that the mail server accepted: it answered 250 after the data, or was about to."""

    recipient: str
    message_id: str
    about: str
    """The subject of the message, read from the message itself."""
    content_sha256: str
    """SHA-256 of the parts that a reader sees."""


@dataclass
class Findings:
    """The problems found; all zero if there are none."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    false_receipts: list[str] = field(default_factory=list)
    """Documents that the device counts as delivered although they were not."""
    stuck: list[str] = field(default_factory=list)
    """Items that were not delivered, or were delayed, although no fault affected them any more."""

    def add(self, other: Findings) -> None:
        for name, found in vars(other).items():
            getattr(self, name).extend(x for x in found if x not in getattr(self, name))

    def counts(self) -> dict[str, int]:
        return {name: len(found) for name, found in vars(self).items()}

    def __bool__(self) -> bool:
        return any(vars(self).values())


@dataclass
class Oracle:
    """One device and its receivers.

    Args:
        office: the folder of the office's server.
    """

    office: Path
    made: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each write-once document when it was made, by path."""
    mails: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Message-IDs of the revisions, by (recipient, subject); the last one has to arrive, the others may."""
    _read: int = 0
    _stores: dict[str, Counter[str]] = field(default_factory=dict)
    _overwritten: list[str] = field(default_factory=list)

    def was_made(self, path: str, body: bytes) -> None:
        self.made[path] = sha256(body)

    def at_any_time(self, believed: Iterable[str]) -> Findings:
        """Check what has to hold at any time, whatever is still in transit.

        Args:
            believed: paths that the device has as delivered.
        """
        self._read_journal()
        found = Findings(changed=list(self._overwritten))
        for path, versions in self._stores.items():
            if path in self.made and set(versions) != {self.made[path]}:
                found.changed.append(f"{path} was stored as something else than was made")
            if path not in self.made:
                found.doubled.append(f"{path} was never made")
        found.false_receipts = [path for path in believed if path not in self._stores]
        return found

    def at_the_end(self, took: Iterable[Mail]) -> Findings:
        """Check everything, when all should have arrived."""
        found = self.at_any_time(())
        held = {path: sha256(self._bytes(path)) for path in self._once()}
        found.lost += sorted(set(self.made) - set(held))
        found.changed += [
            p for p, sha in held.items() if p in self.made and self.made[p] != sha and p not in found.changed
        ]
        found.doubled += [p for p in held if p not in self.made and f"{p} was never made" not in found.doubled]
        bodies = Counter(held.values())
        found.doubled += [f"{p} is there under another path, too" for p, sha in held.items() if bodies[sha] > 1]
        found.add(self.mail(took, at_the_end=True))
        return found

    def mail(self, took: Iterable[Mail], *, at_the_end: bool) -> Findings:
        """Check the messages: each is there, and a repeat has the same Message-ID and the same text."""
        found = Findings()
        contents: dict[str, set[tuple[str, str]]] = {}
        taken: dict[tuple[str, str], set[str]] = {}
        for one in took:
            item = (one.recipient, one.about)
            taken.setdefault(item, set()).add(one.message_id)
            contents.setdefault(one.message_id, set()).add((one.about, one.content_sha256))
            if one.message_id not in self.mails.get(item, ()):
                found.doubled.append(f"{one.message_id} about {item} was never to be mailed")
        for message_id, versions in contents.items():
            if len(versions) > 1:
                found.changed.append(f"{message_id} was mailed with different words")
        if at_the_end:
            missing = {item: ids[-1] for item, ids in self.mails.items() if ids[-1] not in taken.get(item, ())}
            found.lost = [f"{message_id} about {item} was never mailed" for item, message_id in missing.items()]
        return found

    def repeats(self) -> int:
        """Return how often the server got a document again because its answer was lost; this is harmless."""
        return sum(sum(versions.values()) - 1 for versions in self._stores.values())

    def _read_journal(self) -> None:
        journal = self.office / ".journal.jsonl"
        if not journal.exists():
            return
        with journal.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                self._take(json.loads(line))

    def _take(self, store: Mapping[str, str]) -> None:
        path = store["path"]
        if not _is_written_once(path):
            return
        self._stores.setdefault(path, Counter())[store["sha256"]] += 1
        if store["stored"] == "changed":
            self._overwritten.append(f"{path} was overwritten")

    def _once(self) -> list[str]:
        files = (p for p in self.office.rglob("*.json") if not p.name.startswith("."))
        return [path for p in files if _is_written_once(path := p.relative_to(self.office).as_posix())]

    def _bytes(self, path: str) -> bytes:
        return (self.office / path).read_bytes()


def _is_written_once(path: str) -> bool:
    return "/registers/" in path or "/commitments/" in path

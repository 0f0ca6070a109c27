"""The office's list of trusted keys for `edge-daemon collect --keys`: creates it, or adds the missing lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from provisioning.identities import KEY, Page, PagesError


def key_list(pages: Sequence[Page]) -> str:
    """Return a new list for `edge-daemon collect --keys`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("device", "public_key", "room", "fingerprint"))
    writer.writerows((page.device, page.public_key, page.room, page.fingerprint) for page in pages)
    return text.getvalue()


def key_file(path: Path, pages: Sequence[Page], replaced: Sequence[str]) -> str:
    """Return the updated list of keys: every existing line, and the missing ones.

    Args:
        path: the list, which need not exist.
        pages: the devices.
        replaced: devices that may have another key than in the list. The old key stays because it signed old registers.

    Raises:
        PagesError: the list is invalid, or a device has another key.
    """
    unknown = sorted(set(replaced) - {page.device for page in pages})
    if unknown:
        raise PagesError(f"--replaced {unknown[0]}: its identity is not among those given")
    if not path.exists():
        return key_list(pages)
    text, head, keys = _known_keys(path)
    end = "\r\n" if "\r\n" in text else "\n"
    added = io.StringIO(newline="")
    writer = csv.DictWriter(added, head, extrasaction="ignore", lineterminator=end)
    for page in pages:
        known = keys.get(page.device, set())
        if page.public_key in known:
            continue
        if known and page.device not in replaced:
            what = f"{path} has another key of {page.device} than {page.source}: find out why"
            raise PagesError(f"{what}; if its card was replaced, add --replaced {page.device}")
        row = {"device": page.device, "public_key": page.public_key, "room": page.room}
        writer.writerow({**row, "fingerprint": page.fingerprint})
    return f"{text if text.endswith(end) else text + end}{added.getvalue()}" if added.getvalue() else text


def _known_keys(path: Path) -> tuple[str, list[str], dict[str, set[str]]]:
    """Return a list of keys: its text, its columns, and the keys of each device."""
    try:
        text = path.read_bytes().decode("utf-8")
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    except OSError as error:
        raise PagesError(f"{path}: can't be read: {error.strerror}; nothing was written") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PagesError(f"{path}: is not a CSV file in UTF-8; nothing was written") from error
    head = [name.strip().lower() for name in rows[0]] if rows else []
    if not {"device", "public_key"} <= set(head):
        raise PagesError(f"{path}: has no columns device and public_key between commas; nothing was written")
    keys: dict[str, set[str]] = {}
    for number, cells in enumerate(rows[1:], 2):
        row = dict(zip(head, cells, strict=False))
        key = "".join(row.get("public_key", "").split()).lower()
        if cells and not KEY.fullmatch(key):
            raise PagesError(f"{path}: line {number} has no public key of 64 hexadecimal digits; nothing was written")
        keys.setdefault(row.get("device", "").strip(), set()).add(key)
    return text, head, keys

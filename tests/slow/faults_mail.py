"""The faults of the mail server: its behaviour, the messages that it accepted, and those that are expected."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_daemon.attendance.document import from_json
from edge_daemon.delivery.message import stable_message_id
from tests.mail_server import PASSWORD, USER, Server
from tests.slow.delivery_oracle import Mail, Oracle, sha256
from tests.sync_device import DEVICE

OFFICE = "office@school.example"
_ABOUT = re.compile(r"(\d{4}-\d\d-\d\d)\D+(\d\d:\d\d)")
ANSWERS = {
    "451 at the data": "451 4.3.0 try again later",
    "452 no room": "452 4.3.1 no room now",
    "550 at the data": "550 5.7.1 this looks like spam",
    "dropped after the data": "drop",
}


class MailFaults:
    """One device's mail server.

    Args:
        certificates: folder of the authority.
        chance: source of random faults.
        oracle: receives every expected message.
        stack: closes the server at the end.
    """

    addresses = (OFFICE,)

    def __init__(self, certificates: Path, chance: random.Random, oracle: Oracle, stack: ExitStack) -> None:
        self._chance, self._oracle, self._certificates = chance, oracle, certificates
        self._server = stack.enter_context(Server(certificates))
        self._planned: Counter[str] = Counter()
        self._seen = 0
        self._took: list[Mail] = []

    def settings(self) -> str:
        """Return the section [mail] of the device's settings."""
        (self._certificates / "mail-password").write_text(PASSWORD)
        return (
            f'[mail]\nhost = "localhost"\nport = {self._server.port}\nsecurity = "starttls"\n'
            f'ca_file = "{self._certificates}/ca.pem"\nusername = "{USER}"\n'
            f'password_file = "{self._certificates}/mail-password"\n'
            f'from = "room204@school.example"\noffice = {json.dumps(self.addresses)}\nper_minute = 600\n'
        )

    def expect(self, lesson_id: str, revision: int, document: str) -> None:
        """Note a new revision; the newest one of a lesson has to be mailed."""
        about = _minute(from_json(document).register.lesson.start)
        for number, address in enumerate(self.addresses, 1):
            ref = f"{lesson_id}/{revision}" + (f"#{number}" if number > 1 else "")
            message_id = stable_message_id(DEVICE, "office", ref, "")
            self._oracle.mails.setdefault((address, about), []).append(message_id)

    def plan(self, count: int) -> None:
        """Choose the server's behaviour for the next run."""
        mood = self._server.mood
        self.calm()
        for _ in range(count):
            kind = self._chance.random()
            if kind < 0.55:
                name = self._chance.choice(list(ANSWERS))
                mood.data += [""] * self._chance.choice((0, 0, 1)) + [ANSWERS[name]]
            elif kind < 0.7:
                mood.receiver[OFFICE] = "451 4.7.1 greylisted"
            elif kind < 0.8:
                mood.receiver[OFFICE] = "550 5.1.1 no such user"
            elif kind < 0.9:
                mood.starttls_offered = False
            else:
                mood.auth_answer = "535 5.7.8 not you"
        self._planned = self._as_planned()
        self._tries = dict(self._server.handler.tries)

    def calm(self) -> None:
        """End all misbehaviour."""
        mood = self._server.mood
        mood.data.clear()
        mood.receiver.clear()
        mood.starttls_offered, mood.auth_answer = True, ""

    def met(self, line: str) -> Counter[str]:
        """Return the faults that occurred since they were planned.

        Faults in the server's greeting are read from the run's result line.
        """
        left = self._as_planned()
        met = Counter({name: count - left[name] for name, count in self._planned.items() if name in ANSWERS})
        tried = self._server.handler.tries.get(OFFICE, 0) - self._tries.get(OFFICE, 0)
        if tried and "greylisted" in self._planned:
            met["greylisted"] += tried
        if tried and "no such user" in self._planned:
            met["no such user"] += tried
        met["STARTTLS taken away"] += "offers no encryption" in line and not self._server.mood.starttls_offered
        met["log-in refused"] += "refuses the log-in" in line and bool(self._server.mood.auth_answer)
        self.calm()
        return +met

    def took(self) -> Sequence[Mail]:
        """Return everything that the server has accepted."""
        taken = self._server.taken
        for one in taken[self._seen :]:
            mime = one.message
            date = _ABOUT.search(str(mime["Subject"]))
            if date is None:
                continue  # the sheet of a week or month: it may say something else when it is tried again later
            body = mime.get_body(("plain",))
            self._took.append(
                Mail(
                    one.receiver,
                    str(mime["Message-ID"]).strip("<>").partition("@")[0],
                    f"{date[1]} {date[2]}",
                    sha256(body.get_content().encode() if body else b""),
                )
            )
        self._seen = len(taken)
        return self._took

    def repeats(self) -> int:
        """Return how many messages came again with the same Message-ID."""
        return len(self.took()) - len({one.message_id for one in self.took()})

    def _as_planned(self) -> Counter[str]:
        mood = self._server.mood
        found = Counter(name for name, answer in ANSWERS.items() for given in mood.data if given == answer)
        if OFFICE in mood.receiver:
            found["no such user" if mood.receiver[OFFICE].startswith("5") else "greylisted"] += 1
        return found


def _minute(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo('Europe/Berlin')):%Y-%m-%d %H:%M}"

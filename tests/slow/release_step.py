"""One step of `release_path.sh`, run with the program and the tests of one release: three more lessons, then a sync.

python tests/slow/release_step.py CHECKOUT FOLDER NUMBER

The third lesson is planned and promised by the release of the step before; this release promises it again and begins
it.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

CHECKOUT, FOLDER, NUMBER = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
sys.path.insert(0, str(CHECKOUT))

import edge_daemon  # noqa: E402
from edge_daemon.__main__ import run as program  # noqa: E402
from edge_daemon.device.clock import Reading  # noqa: E402
from edge_daemon.home import Home  # noqa: E402
from edge_daemon.store.database import open_register  # noqa: E402
from tests.mail_server import PASSWORD, USER, Server  # noqa: E402
from tests.office_server import OfficeServer  # noqa: E402
from tests.registers import SIGNER, START, a_lesson, a_register, keep  # noqa: E402
from tests.sync_device import NOW, Clock, a_device, add_lessons, held_registers, made_registers, run  # noqa: E402

try:
    from edge_daemon.app.capture.plan_recorder import begin, plan_ahead, plan_of
    from edge_daemon.app.notices.outbox_rows import outbox_writer
    from edge_daemon.app.service.commitment_publisher import publish_commitments
except ImportError:  # names of 4de1fc4
    from edge_daemon.app.enqueue import deliver as outbox_writer
    from edge_daemon.app.plans import begin, plan_ahead, plan_of
    from edge_daemon.app.promises import promise_ahead as publish_commitments
try:
    from tests.registers import SEEDS
except ImportError:  # seeds were in the clear
    SEALED = ()
else:
    SEALED = (SEEDS,)

ROSTER = "student_id,name,email,guardian_email,consent\nS000,Ada,,,no\nS001,Bo,,,no\n"

MAIL = """
[mail]
host = "127.0.0.1"
port = {port}
from = "attendance@school.example"
office = ["office@school.example"]
ca_file = "{ca}"
username = "{user}"
password_file = "password"
per_minute = 600
"""


def settle(text: str, office: OfficeServer, mail: Server) -> str:
    """Return the settings with the addresses that the servers have in this step."""
    text = re.sub(r'url = "[^"]*"', f'url = "{office.url}"', text.partition("[mail]")[0])
    text = re.sub(r'ca_file = "[^"]*"', f'ca_file = "{office.ca_file}"', text)
    return text + MAIL.format(port=mail.port, ca=FOLDER / "mail-ca" / "ca.pem", user=USER)


def planned_lesson(number: int):
    """Return the lesson that the release of a step begins."""
    return a_lesson(START + timedelta(hours=240 * number + 3))


def plan(home: Home, number: int, hours_before: float) -> None:
    """Store the plan of a step's lesson, and commit to it."""
    lesson = planned_lesson(number)
    db, now = open_register(home.register_db_path), lesson.start - timedelta(hours=hours_before)
    plan_ahead(db, [lesson], 100, now, *SEALED)
    publish_commitments(db, lambda: SIGNER, now)
    db.conn.close()


def hold(home: Home, number: int) -> str:
    """Begin and finalise the lesson of a step; return its id."""
    db, lesson = open_register(home.register_db_path), planned_lesson(number)
    stored = begin(db, lesson, 100, Reading(lesson.start, 100.0, "synchronised", "boot"), *SEALED)
    register, sightings = a_register(lesson, {"S000": 0.9, "S001": 0.1}, captures=100)
    keep(db, replace(register, plan=plan_of(stored)), sightings, also=outbox_writer(home.config))
    db.conn.close()
    return lesson.lesson_id


def students(home: Path) -> list[str]:
    """Return the names that the release reads out of the gallery."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        assert program(["--home", str(home), "enrol", "list", "--json"]) == 0
    return sorted(one["name"] for one in json.loads(output.getvalue()))


def main() -> None:
    assert Path(edge_daemon.__file__).is_relative_to(CHECKOUT)
    (FOLDER / "mail-ca").mkdir(exist_ok=True)
    home, clock = FOLDER / "home", Clock(NOW + timedelta(days=10 * NUMBER))
    with OfficeServer(FOLDER / "office") as office, Server(FOLDER / "mail-ca") as mail:
        if NUMBER == 0:
            a_device(home, office, lessons=0)
            (home / "password").write_text(PASSWORD + "\n")
            (home / "device.key").write_bytes(bytes(range(32)))  # that of SIGNER
            (home / "device.key").chmod(0o600)
            (FOLDER / "roster.csv").write_text(ROSTER)
            with contextlib.redirect_stdout(io.StringIO()):
                assert program(["--home", str(home), "enrol", "import", str(FOLDER / "roster.csv")]) == 0
        settings = home / "config.toml"
        settings.write_text(settle(settings.read_text(), office, mail))
        add_lessons(Home(home), range(240 * NUMBER, 240 * NUMBER + 2))
        plan(Home(home), NUMBER, 1)
        lesson_id = hold(Home(home), NUMBER)
        plan(Home(home), NUMBER + 1, 20)
        run(Home(home), clock)
        message_ids = [taken.message["Message-ID"] for taken in mail.taken]
        made, held = made_registers(Home(home)), held_registers(office)
        step = {"made": len(made), "held": len(held), "same": made == held, "mailed": message_ids}
        print(json.dumps({**step, "planned": lesson_id, "students": students(home)}))


main()

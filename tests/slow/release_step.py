"""One step of `release_path.sh`, run with the program and the tests of one release: two more lessons, then a sync.

python tests/slow/release_step.py CHECKOUT FOLDER NUMBER
"""

from __future__ import annotations

import json
import re
import sys
from datetime import timedelta
from pathlib import Path

CHECKOUT, FOLDER, NUMBER = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
sys.path.insert(0, str(CHECKOUT))

import edge_daemon  # noqa: E402
from edge_daemon.home import Home  # noqa: E402
from tests.mail_server import PASSWORD, USER, Server  # noqa: E402
from tests.office_server import OfficeServer  # noqa: E402
from tests.sync_device import NOW, Clock, a_device, add_lessons, held_registers, made_registers, run  # noqa: E402

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


def main() -> None:
    assert Path(edge_daemon.__file__).is_relative_to(CHECKOUT)
    (FOLDER / "mail-ca").mkdir(exist_ok=True)
    home, clock = FOLDER / "home", Clock(NOW + timedelta(days=10 * NUMBER))
    with OfficeServer(FOLDER / "office") as office, Server(FOLDER / "mail-ca") as mail:
        if NUMBER == 0:
            a_device(home, office, lessons=0)
            (home / "password").write_text(PASSWORD + "\n")
        settings = home / "config.toml"
        settings.write_text(settle(settings.read_text(), office, mail))
        add_lessons(Home(home), range(240 * NUMBER, 240 * NUMBER + 2))
        run(Home(home), clock)
        told = [taken.message["Message-ID"] for taken in mail.taken]
        made, held = made_registers(Home(home)), held_registers(office)
        print(json.dumps({"made": len(made), "held": len(held), "same": made == held, "mailed": told}))


main()

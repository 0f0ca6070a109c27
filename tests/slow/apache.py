"""Our client against real Apache with mod_dav, with the configuration that docs/UPSTREAM.md shows.

    apt-get install apache2-bin
    python -m tests.slow.apache --json benchmarks/results/apache.json

To be run as root: Apache changes to www-data.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from edge_daemon.delivery import paths
from tests.slow.web_server import FORTY, OTHER, ROOM, Web, place

ACCESS = ("authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "allowmethods")
MODULES = ("mpm_event", "dav", "dav_fs", "ssl", "mime", "rewrite", *ACCESS)
WANTED = {
    "overwriting_past_our_client": 412,
    "if_none_match_at_put": 412,
    "into_another_devices_folder": 403,
    "reading_another_devices_folder": 403,
    "delete": 403,
    "list_by_the_office": 207,
    "list_by_a_device": 403,
}


class Apache(Web):
    """A real Apache of its own on a free port."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "apache")
        (self.documents / "v1" / "devices").mkdir(parents=True)
        subprocess.run(["chown", "-R", "www-data", folder / "srv", folder], check=True)
        modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in MODULES)
        head = f"ServerRoot {folder}\nPidFile {folder}/pid\nErrorLog {folder}/error\nUser www-data\nGroup www-data\n"
        head += f"Listen 127.0.0.1:{self.port}\nTypesConfig /etc/mime.types\n"
        block = self.block(
            ("*:443", f"*:{self.port}"),
            ("/var/lib/apache2/attendance.locks", f"{folder}/locks"),
            ("/etc/apache2/attendance.crt", f"{folder}/good.pem"),
            ("/etc/apache2/attendance.key", f"{folder}/good.pem"),
            ("/etc/apache2/attendance.passwords", f"{folder}/passwords"),
            ("DocumentRoot /srv", f"DocumentRoot {folder}/srv"),
            ("<Directory /srv/attendance>", f"<Directory {folder}/srv/attendance>"),
        )
        (folder / "apache.conf").write_text(modules + head + block, encoding="utf-8")
        self.command = ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", str(folder / "apache.conf")]


def check(apache: Apache, found: dict[str, object]) -> None:
    file = apache.documents / place(1)
    with apache.upstream() as office:
        found["register_arrives"] = office.put(place(1), FORTY, write_once=True).name == "delivered"
        found["register_lies_there_byte_for_byte"] = file.read_bytes() == FORTY
        found["again_is_known"] = "already" in office.put(place(1), FORTY, write_once=True).answer
        found["another_is_parked"] = office.put(place(1), FORTY + b" ", write_once=True).name == "parked"
        replaced = [office.put(paths.status(ROOM), body, write_once=False).name for body in (b"{}", b'{"a":1}')]
        found["status_is_replaced"] = replaced == ["delivered"] * 2
        roster = paths.for_device(ROOM, "roster.csv")
        found["roster_by_the_office"] = apache.raw("PUT", roster, b"student_id\n", name="office") == 201
        first = office.get(roster, "", 1000)
        found["roster_is_pulled_once"] = (
            first.body == b"student_id\n" and office.get(roster, first.etag, 1000).status == 304
        )
    found["collect_reads_it"] = apache.collected()
    with apache.upstream(OTHER) as office:
        found["name_with_blank_and_umlaut"] = office.put(place(1, OTHER), FORTY, write_once=True).name == "delivered"
    found["overwriting_past_our_client"] = apache.raw("PUT", place(1), b"forged")
    found["if_none_match_at_put"] = apache.raw("PUT", paths.status(ROOM), b"{}", If_None_Match="*")
    found["into_another_devices_folder"] = apache.raw("PUT", "v1/devices/room-205/status.json", b"{}")
    found["reading_another_devices_folder"] = apache.raw("GET", place(1), name=OTHER)
    found["delete"] = apache.raw("DELETE", place(1))
    found["list_by_the_office"] = apache.raw("PROPFIND", "v1/devices/", name="office", Depth="1")
    found["list_by_a_device"] = apache.raw("PROPFIND", "v1/devices/", Depth="1")
    found["register_unchanged"] = file.read_bytes() == FORTY
    with apache.upstream(password="wrong") as office:
        outcome = office.put(place(2), FORTY, write_once=True)
    found["wrong_password_parks_everything_once"] = (outcome.name, outcome.everybody) == ("parked", True)
    apache.break_off()
    found["broken_off_put_leaves_nothing"] = not (apache.documents / place(3)).exists()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    if shutil.which("apache2", path="/usr/sbin") is None:
        raise SystemExit("apt-get install apache2-bin")
    version = subprocess.run(["/usr/sbin/apache2", "-v"], capture_output=True, text=True, check=True).stdout
    found: dict[str, object] = {"apache": version.split("Apache/")[1].split()[0]}
    with tempfile.TemporaryDirectory(prefix="apache-") as name, Apache(Path(name)) as apache:
        check(apache, found)
    found["failed"] = [k for k, v in found.items() if v is False or (k in WANTED and v != WANTED[k])]
    text = json.dumps(found, indent=2)
    print(text)
    if said.json:
        said.json.write_text(text + "\n", encoding="utf-8")
    sys.exit(bool(found["failed"]))


if __name__ == "__main__":
    main()

"""Tests the device's client against a real Apache with mod_dav, configured by docs/upstream-apache.conf.

    apt-get install apache2-bin
    python -m tests.slow.apache --json benchmarks/results/apache.json

Run it as root, because Apache changes to the user www-data.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.slow.web_checks import check_broken_off, check_documents, check_refusals
from tests.slow.web_server import Web

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
    """An Apache process on a free port."""

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
    check_documents(apache, found)
    check_refusals(apache, found)
    found["list_by_the_office"] = apache.raw("PROPFIND", "v1/devices/", name="office", Depth="1")
    found["list_by_a_device"] = apache.raw("PROPFIND", "v1/devices/", Depth="1")
    check_broken_off(apache, found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if shutil.which("apache2", path="/usr/sbin") is None:
        raise SystemExit("apt-get install apache2-bin")
    version = subprocess.run(["/usr/sbin/apache2", "-v"], capture_output=True, text=True, check=True).stdout
    found: dict[str, object] = {"apache": version.split("Apache/")[1].split()[0]}
    with tempfile.TemporaryDirectory(prefix="apache-") as name, Apache(Path(name)) as apache:
        check(apache, found)
    found["failed"] = [k for k, v in found.items() if v is False or (k in WANTED and v != WANTED[k])]
    text = json.dumps(found, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    sys.exit(bool(found["failed"]))


if __name__ == "__main__":
    main()

"""Runs on the test machine as one of the two users: leaves code, libraries, calendars and databases where it may write.

    python3 plants.py KIND FOLDER...

KIND is `all` or `code`. `code` omits calendars, documents and databases, which a user may trust in its own folders. If
any process runs a planted file, the file reports this on stderr and leaves a file RAN-... where it can. Existing files
stay. The script needs only the standard library.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from pathlib import Path

LIBRARY = Path("/srv/plant.so")
"""A library that the test machine's setup made; it reports when it is loaded."""
MARK = "PLANTED"
_CODE = f"""
import os as _os
_line = f"{MARK} {{__file__ if '__file__' in globals() else 'pth'}} by uid {{_os.getuid()}}\\n"
try:
    _os.write(2, _line.encode())
except OSError:
    pass
for _folder in ("/var/lib/edge-daemon", "/var/lib/edge-daemon-sync", "/run/edge-daemon", "/tmp"):
    try:
        with open(f"{{_folder}}/RAN-{{_os.getpid()}}", "a") as _file:
            _file.write(_line)
    except OSError:
        pass
"""
_PTH = f"import os; os.write(2, b'{MARK} pth\\n'); open('/tmp/RAN-pth-%d' % os.getpid(), 'a').close()\n"
_SCRIPT = f"""#!/bin/sh
echo '{MARK}' "$0" >&2
touch /tmp/RAN-$$ /var/lib/edge-daemon/RAN-$$ /var/lib/edge-daemon-sync/RAN-$$ 2>/dev/null
"""
MODULES = (
    *("sqlite3", "json", "ssl", "click", "numpy", "cv2", "cryptography", "requests", "icalendar", "sqlite_utils"),
    *("sitecustomize", "usercustomize", "ai_edge_litert", "systemd", "pi_heif", "site"),
)
PACKAGES = ("edge_daemon", "edge_daemon/app", "edge_daemon/app/service", "edge_daemon/camera", "edge_daemon/gallery")
LIBRARIES = (
    "libsqlite3.so.0",
    "libssl.so.3",
    "libcrypto.so.3",
    "libgomp.so.1",
    "libz.so.1",
    "libsystemd.so.0",
    "cv2.abi3.so",
)
PROGRAMS = ("python", "python3", "sh", "systemctl", "systemd-creds", "timedatectl", "edge-daemon", "vcgencmd")
LESSON = "Planted lesson"
_CALENDAR = f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:planted
BEGIN:VEVENT
UID:planted
DTSTAMP:20260101T000000Z
DTSTART:20260101T000000Z
DURATION:PT23H
RRULE:FREQ=DAILY
SUMMARY:{LESSON}
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")
CALENDARS = ("timetable.ics", "school.ics", "upstream.ics")
DOCUMENTS = {
    "roster.csv": "student_id,name,consent\nPLANT,Planted,yes\n",
    "removals.json": '{"students": ["S1", "S2"]}',
}
DATABASES = ("gallery.sqlite", "register.sqlite", "delivery.sqlite")


def plant(folder: Path, *, documents: bool) -> int:
    """Leave every kind of file in a folder, and return how many files were made."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    made = 0
    for place in (folder, folder / f".local/lib/{version}/site-packages", folder / f"lib/{version}/site-packages"):
        made += sum(_put(place / f"{name}.py", _CODE) for name in MODULES)
        for name in PACKAGES:
            modules = ("__init__", "__main__", "worker", "child", "decoder_child")
            made += sum(_put(place / name / f"{module}.py", _CODE) for module in modules)
        made += _put(place / "planted.pth", _PTH)
    made += sum(_put(folder / name, LIBRARY.read_bytes()) for name in LIBRARIES)
    for name in PROGRAMS:
        made += _put(folder / name, _SCRIPT, 0o755) + _put(folder / "bin" / name, _SCRIPT, 0o755)
    if documents:
        for name, text in (*((name, _CALENDAR) for name in CALENDARS), *DOCUMENTS.items()):
            made += _put(folder / name, text) + _put(folder / "inbox" / name, text)
        made += sum(_database(folder / name) for name in DATABASES)
    return made


def _put(path: Path, content: str | bytes, mode: int = 0o644) -> bool:
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return True
    return False


def _database(path: Path) -> bool:
    """Leave a database with a made-up student and register, unless the file exists; return whether it was made."""
    if path.exists():
        return False
    with contextlib.suppress(OSError, sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE students (student_id TEXT PRIMARY KEY, consent INTEGER)")
        db.execute("CREATE TABLE registers (lesson_id TEXT, revision INTEGER, document TEXT)")
        db.execute("INSERT INTO students VALUES ('PLANT', 1)")
        db.execute("INSERT INTO registers VALUES ('planted', 1, '{}')")
        db.commit()
        return True
    return False


def main() -> None:
    """Plant in each folder that is named."""
    os.umask(0o022)
    for name in sys.argv[2:]:
        print(plant(Path(name), documents=sys.argv[1] == "all"))


if __name__ == "__main__":
    main()

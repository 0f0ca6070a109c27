"""Write the rows that ingest keeps of each document's file, without reading documents. A part of benchmarks/office.py.

An ingest without new documents reads these rows only, and not the table of marks. With these rows the cost of such an
ingest can be measured for a whole school, without a first ingest.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from pathlib import Path

from edge_daemon_office.django_setup import set_up
from edge_daemon_office.home import read_home

_PART = 500


def main() -> None:
    """Write the rows of every document of the first school, and print their number."""
    home = read_home(Path(sys.argv[1]))
    set_up(home)
    from edge_daemon_office.cli.opening import migrate
    from edge_daemon_office.ingest.tree import device_folders, devices_folder, files_of
    from edge_daemon_office.registers.models import Revision, Source

    migrate()
    school = next(iter(home.schools.values()))
    devices, now, number = devices_folder(school.tree), datetime.now(timezone.utc), 0
    for folder in device_folders(devices):
        key = json.loads((devices / folder / "key.json").read_text("utf-8"))["public_key"]
        sources, revisions = [], []
        for file in files_of(devices, folder, {}):
            number += 1
            known = {"school": school.school, "path": file.path}
            stamp = {"changed_ns": file.changed_ns, "size_bytes": file.size_bytes}
            sources.append(Source(**known, **stamp, folder=folder, signed_by=key, is_believed=True))
            previous = f"{number - 1:064x}" if revisions else ""
            chain = {"sha256": f"{number:064x}", "previous_sha256": previous, "seed_sha256": "0" * 64}
            about = {"lesson_id": file.path.split("/")[2], "revision": 1, "device": folder}
            revisions.append(Revision(**known, **chain, **about, found_at=now, arrival=number))
        Source.objects.bulk_create(sources, batch_size=_PART)
        Revision.objects.bulk_create(revisions, batch_size=_PART)
    print(number)


if __name__ == "__main__":
    main()

"""The command in docs/UPDATES.md that sends a bundle to all devices, with replacements for ssh and scp."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from provisioning.identities import Page
from provisioning.key_list import key_list

PAGE = Path(__file__).parents[3] / "docs/UPDATES.md"
STUB = """#!/bin/sh
echo "$(basename "$0") $*" >>"$LOG"
case "$*" in *room-7b*) [ "$(basename "$0")" = scp ] ;; esac
"""


def test_the_line_reaches_every_device_of_the_offices_list_and_names_those_that_failed(tmp_path):
    (line,) = re.findall(r"^    (cut -d[^']*'[^']*')$", PAGE.read_text(encoding="utf-8"), re.M)
    pages = [Page(device, device, "00" * 32, tmp_path) for device in ("room-7a", "room-7b", "room-7c")]
    keys = key_list(pages)
    replaced = keys.splitlines()[-1].partition(",")[0] + ",its,key,of,before\r\n"
    (tmp_path / "devices.csv").write_text(keys + replaced, newline="")
    for name in ("ssh", "scp"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "LOG": str(tmp_path / "log")}
    completed = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert completed.stdout == "room-7b: not updated\n", completed.stderr
    orders = (tmp_path / "log").read_text().splitlines()
    update = "sudo edge-daemon update bookworm.edge && rm bookworm.edge"
    assert {order for order in orders if order.startswith("ssh")} == {
        f"ssh -n technician@{page.device} {update}" for page in pages
    }
    assert sum(order.startswith("scp -q bookworm.edge technician@room-") for order in orders) == 3

#!/usr/bin/env bash
# Updates that are cut off: everything is killed at a random moment, 100 times, and the "boot" after it, too, now and then.
#
#   tests/slow/update.sh [--cuts 100] [--seed 1] [--json OUT]
#
# Real bundles, signatures, environments, pip and switching, in a folder that stands for the disk; systemctl is a stand-in, and
# the program of a release a few lines that say their version. After each cut there has to be one whole release in effect whose
# program and units belong together. About 5 minutes. A kill loses no page of the disk's cache: that is fsync's part.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Real releases with data, there and back (needs git and .venv): nothing is lost, nothing comes twice.
tests/slow/release_path.sh
exec "${PYTHON:-python3}" -m tests.slow.update_cuts "$@"

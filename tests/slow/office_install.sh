#!/usr/bin/env bash
# Both distributions from this checkout: the office alone, and both in one environment. Needs a network; minutes.
#   tests/slow/office_install.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${1:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m venv "$work/build"
"$work/build/bin/pip" install --quiet --disable-pip-version-check build hatchling
"$work/build/bin/python" -m build --quiet --wheel --no-isolation --outdir "$work/dist" .
"$work/build/bin/python" -m build --quiet --wheel --no-isolation --outdir "$work/dist" edge_daemon_office
ls -l "$work/dist"

echo '--- the office alone'
"$python" -m venv "$work/office"
"$work/office/bin/pip" install --quiet --disable-pip-version-check "$work"/dist/edge_daemon_office-*.whl
if "$work/office/bin/pip" list --disable-pip-version-check 2>/dev/null |
    grep -iE '^(numpy|opencv|ai-edge|tflite|edge-daemon )'; then
    echo 'the office brought a library of a device' >&2
    exit 1
fi
(cd "$work" && office/bin/edge-daemon-office --home demo demo --no-serve)
(cd "$work" && office/bin/edge-daemon-office --home demo ingest)
du -sh "$work/office/lib" | cut -f1

echo '--- both in one environment'
"$python" -m venv "$work/both"
"$work/both/bin/pip" install --quiet --disable-pip-version-check "$work"/dist/*.whl
"$work/both/bin/pip" check --disable-pip-version-check
(cd "$work" && both/bin/edge-daemon --version && both/bin/edge-daemon-office --version)
(cd "$work" && both/bin/edge-daemon-office --home demo ingest)
(cd "$work" && both/bin/edge-daemon collect demo/tree --output term.csv --keys demo/demo-keys.csv --time-zone Europe/Berlin)
# No file belongs to both.
records=$(cat "$work"/both/lib/python*/site-packages/edge_daemon*.dist-info/RECORD | cut -d, -f1 | grep -v dist-info | sort | uniq -d)
[ -z "$records" ] || { echo "files of both: $records" >&2; exit 1; }
echo 'both install beside each other, and both run'

#!/bin/sh
# An older release with data, this one, the older one again, this one again: nothing is lost, and nothing comes twice.
#
#   tests/slow/release_path.sh [REVISION]     4de1fc4, the last one before sync had a file of its own
#
# Each step runs the program and the test servers of its release: two more lessons, ten days later, and a sync.
set -eu
cd -- "$(dirname -- "$0")/../.."
revision=${1:-4de1fc4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/old" "$work/data"
git archive "$revision" edge_daemon tests | tar -x -C "$work/old"
here=$PWD python=$PWD/.venv/bin/python number=0
for release in "$work/old" "$PWD" "$work/old" "$PWD" "$PWD"; do
    (cd "$release" && "$python" "$here/tests/slow/release_step.py" "$release" "$work/data" "$number") || exit 1
    number=$((number + 1))
done >"$work/steps"
cat "$work/steps"
"$python" - "$work/steps" <<'CHECK'
import json, sys
steps = [json.loads(line) for line in open(sys.argv[1])]
mailed = [one for step in steps for one in step["mailed"]]
assert len(steps) == 5 and steps[-1]["made"] == 10, steps
assert all(step["same"] for step in steps), "the server has every register, and no other"
assert len(mailed) == len(set(mailed)), "no message came twice"
assert len(mailed) >= steps[-1]["made"], "the office is told of each lesson"
print(f"{steps[-1]['made']} registers, {len(mailed)} messages: none lost, none twice")
CHECK

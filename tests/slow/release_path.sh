#!/bin/sh
# An older release with data, this one, the older one again, this one again: nothing is lost, and nothing comes twice.
#
#   tests/slow/release_path.sh [REVISION]     4de1fc4, the last one before sync had a file of its own
#
# Each step runs the program and the test servers of its release: three more lessons, ten days later, and a sync. One lesson is
# promised by the release before and held by this one. At the end the ledger is verified: chain, signatures, seeds, promises.
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
"$python" -m edge_daemon --home "$work/data/home" ledger verify --json >"$work/ledger" || { cat "$work/ledger"; exit 1; }
"$python" - "$work/steps" "$work/ledger" <<'CHECK'
import json, sys
steps = [json.loads(line) for line in open(sys.argv[1])]
ledger = json.load(open(sys.argv[2]))
mailed = [one for step in steps for one in step["mailed"]]
assert len(steps) == 5 and steps[-1]["made"] == 15, steps
assert all(step["same"] for step in steps), "the server has every register, and no other"
assert len(mailed) == len(set(mailed)), "no message came twice"
assert len(mailed) >= steps[-1]["made"], "the office gets mail for each lesson"
assert all(step["students"] == ["Ada", "Bo"] for step in steps), "every release reads the gallery"
assert ledger["problems"] == [] and ledger["registers"] == 15, ledger
assert ledger["unpromised"] == 10, "each planned lesson kept its last promise"
print(f"{steps[-1]['made']} registers, {len(mailed)} messages: none lost, none twice; {ledger['commitments']} promises kept")
CHECK
for lesson in $("$python" -c 'import json,sys
for line in open(sys.argv[1]): print(json.loads(line)["planned"])' "$work/steps"); do
    "$python" -m edge_daemon --home "$work/data/home" plan check "$lesson" >"$work/plan" || { cat "$work/plan"; exit 1; }
done

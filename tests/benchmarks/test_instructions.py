from __future__ import annotations

import json
import sys

import pytest

from benchmarks import instructions, table_instructions
from benchmarks.lesson import ProgramError
from tests.benchmarks import folders
from tests.benchmarks.running import run

EMULATOR = f"""#!{sys.executable}
import sys
out = open(sys.argv[sys.argv.index("-plugin") + 1].partition("out=")[2], "w")
kind = sys.argv[sys.argv.index("benchmarks.contender") + 1]
a_picture = {{"program": 300, "sweep": 900, "yunet": 1000}}[kind]
done = 50
print("ready", flush=True)
print(done, file=out, flush=True)
for line in sys.stdin:
    done += a_picture
    print(done, file=out, flush=True)
    print("{{}}", flush=True)
"""


def test_each_request_of_each_contender_is_counted_separately(tmp_path, monkeypatch):
    lesson = folders.lesson(tmp_path / "lesson")
    emulator = tmp_path / "qemu"
    emulator.write_text(EMULATOR)
    emulator.chmod(0o755)
    monkeypatch.setattr(instructions, "_compile", lambda plugin: None)
    monkeypatch.setattr(instructions.lesson, "enrol", lambda *arguments: None)
    words = ("--root", tmp_path, "--packages", tmp_path, "--yunet", tmp_path / "y.onnx", "--qemu", emulator)
    out = tmp_path / "out.json"
    assert run(monkeypatch, instructions, "--data", lesson, "--json", out, "--captures", 3, *words) == 0
    found = json.loads(out.read_text())
    assert found["contenders"]["program"] == {"captures": 3, "start": 50, "mean": 300, "each": [300, 300, 300]}
    assert (found["lesson_mean_to_yunet"], found["full_sweep_to_yunet"]) == (0.3, 0.9)
    assert "YuNet + embedder" in table_instructions.section(found)


def test_a_contender_that_read_less_than_it_was_given_is_refused():
    with pytest.raises(ProgramError, match="2 counts for 2 pictures"):
        instructions.counted([50, 350], 2)

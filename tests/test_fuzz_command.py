"""The fuzz command sees what it looks for, and its inputs follow from their numbers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from pathlib import Path

import pytest

from edge_daemon.errors import EdgeError, RosterError
from tests.slow import fuzz, fuzz_child
from tests.slow.fuzz_mutators import Files, mutated_json
from tests.slow.fuzz_parsers import ConfigurationParser, OneRosterParser, RosterParser


class Later(datetime):
    """A clock of another day."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Later:
        return cls(2030, 3, 17, 17, 46, 40, tzinfo=tz)


class Fake:
    """A parser that does what a test wants."""

    seeds: tuple[Files, ...] = ({"a": b"1"},)

    def __init__(self, read: Callable[[], int]) -> None:
        self._read = read

    def mutated(self, number: int, chance: random.Random) -> Files:
        del number, chance
        return dict(self.seeds[0])

    def read(self, folder: Path) -> int:
        del folder
        return self._read()

    def processes(self) -> Iterator[int]:
        yield from ()


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """The process of the tests holds what tests before have loaded."""
    monkeypatch.setattr(fuzz_child, "MOST_MB", 10_000.0)


def outcome(tmp_path: Path, read: Callable[[], int]) -> dict[str, object]:
    return fuzz_child._read(Fake(read), tmp_path)


def raising(error: BaseException) -> Callable[[], int]:
    def read() -> int:
        raise error

    return read


def test_a_refusal_in_one_line_and_an_input_that_is_read_are_no_faults(tmp_path):
    read = outcome(tmp_path, lambda: 7)
    assert (read["accepted"], read["read"], "fault" in read) == (True, 7, False)
    refused = outcome(tmp_path, raising(RosterError("is\nempty", "a.csv")))
    assert (refused["accepted"], refused["line"], "fault" in refused) == (False, "a.csv: is empty", False)


@pytest.mark.parametrize("error", [ValueError("x"), RecursionError(), MemoryError(), SystemExit(2)])
def test_any_other_end_is_a_fault_with_its_traceback(tmp_path, error):
    found = outcome(tmp_path, raising(error))
    assert found["fault"] == f"traceback: {type(error).__name__}"
    assert "Traceback" in str(found["traceback"])


def test_an_unreadable_refusal_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(EdgeError, "line", lambda self: f"two\n{self.what}")
    assert outcome(tmp_path, raising(RosterError("lines")))["fault"] == "a refusal that is no line to be read"


def test_time_and_memory_beyond_the_limits_are_faults(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz_child, "MOST_CPU_S", 0.05)
    assert outcome(tmp_path, lambda: sum(n * n for n in range(2_000_000)))["fault"] == "more than 0 s"
    monkeypatch.undo()
    before = outcome(tmp_path, lambda: 1)
    monkeypatch.setattr(fuzz_child, "MOST_MB", float(before["peak_mb"]) + 50)  # type: ignore[arg-type]
    assert str(outcome(tmp_path, lambda: len(b"x" * 80_000_000)).get("fault")).startswith("more than")
    assert "fault" not in outcome(tmp_path, lambda: 1), "an earlier input does not count"


@pytest.mark.parametrize("parser", [RosterParser, OneRosterParser, ConfigurationParser])
def test_undamaged_inputs_are_taken_and_damaged_ones_follow_from_their_numbers(tmp_path, parser):
    made, again = parser(), parser()
    for number, files in enumerate(made.seeds):
        folder = tmp_path / f"{number}"
        fuzz_child._lay(files, folder)
        assert made.read(folder) > 0
    first = [made.mutated(number, random.Random(f"{number}")) for number in range(60)]
    assert [again.mutated(number, random.Random(f"{number}")) for number in range(59, -1, -1)] == first[::-1]
    assert sum(files not in made.seeds for files in first) > 50


def test_a_packed_input_is_the_same_at_another_time_of_day(monkeypatch):
    inputs = [RosterParser().mutated(3, random.Random("3"))]
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(1_900_000_000))
    monkeypatch.setattr("openpyxl.writer.excel.datetime.datetime", Later)
    assert RosterParser().mutated(3, random.Random("3")) == inputs[0]
    assert RosterParser().seeds == RosterParser().seeds
    assert list(inputs[0]) == ["roster.xlsx"]


def test_damaged_json_follows_from_its_number_whatever_came_before():
    document = {"a": [1, {"b": "c"}], "d": {}, "e": [[]]}
    first = [repr(mutated_json(document, random.Random(number))) for number in range(300)]
    assert [repr(mutated_json(document, random.Random(number))) for number in range(299, -1, -1)] == first[::-1]


def test_every_parser_of_the_command_has_its_inputs():
    assert set(fuzz.PARSERS) == set(fuzz_child.PARSERS)

"""No log call in the program can contain a name, and every event of the table is logged somewhere."""

from __future__ import annotations

import ast
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_daemon.device.events import EVENTS, FIELDS

PACKAGE = Path(__file__).parents[2] / "edge_daemon"
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
PERSONAL = re.compile(r"student|guardian|email|(?<!path\.)\bnames?\b|embedding|template|roster|provisional|counts\b")
FILES = sorted(PACKAGE.rglob("*.py"))


def calls(path: Path) -> Iterator[ast.Call]:
    """Every call of a logger's method in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and "logg" in ast.unparse(node.func.value).lower()
        ):
            yield node


def faults(tree_of: ast.Call) -> list[str]:
    """What is wrong with a call: words that are not fixed, fields that are not in the table or could be personal."""
    words = tree_of.args[1:] if tree_of.func.attr == "log" else tree_of.args
    found = []
    if len(words) != 1 or not isinstance(words[0], ast.Constant) or "%" in str(words[0].value):
        found.append("the words of an event are one fixed text")
    for keyword in tree_of.keywords:
        if keyword.arg == "extra":
            found += fields_faults(keyword.value)
        elif keyword.arg not in ("exc_info", "stack_info", "stacklevel"):
            found.append(f"argument {keyword.arg}")
    return found


def fields_faults(value: ast.expr) -> list[str]:
    if not isinstance(value, ast.Dict):
        return ["fields are a dictionary that stands there"]
    found = []
    for key, content in zip(value.keys, value.values, strict=True):
        if key is None:
            if ast.unparse(content) != "self._fields":
                found.append(f"**{ast.unparse(content)}")
        elif not isinstance(key, ast.Constant) or key.value not in FIELDS:
            found.append(f"field {ast.unparse(key)} is not in device/events.py")
        elif PERSONAL.search(ast.unparse(content)):
            found.append(f"field {ast.unparse(key)} could hold something personal: {ast.unparse(content)}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_call_of_the_log_can_name_a_person(path):
    assert [f"{path.name}:{call.lineno}: {fault}" for call in calls(path) for fault in faults(call)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_logged_past_the_rule(path):
    """Fields that are given on (`fields=`, `self._fields`) hold to the table; nobody writes to a log by another way."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    handed = [
        k.value for node in ast.walk(tree) if isinstance(node, ast.Call) for k in node.keywords if k.arg == "fields"
    ]
    kept = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and "self._fields" in [ast.unparse(target) for target in node.targets]
    ]
    for value in [*handed, *kept]:
        for key in value.keys if isinstance(value, ast.Dict) else ():
            assert key is None or ast.literal_eval(key) in FIELDS
    assert "LoggerAdapter" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "line",
    [
        'logger.info(f"seen {student_id}")',
        'logger.info("seen %s", student_id)',
        'logger.info("seen " + student_id)',
        'logger.info("seen", extra={"student_id": 1})',
        'logger.info("seen", extra={"reason": student.name})',
        'logger.info("seen", extra=fields)',
        'logger.info("seen", extra={**everything})',
        'logging.getLogger("x").warning("seen", student_id)',
    ],
)
def test_the_rule_finds_a_call_that_names_a_person(line, tmp_path):
    (tmp_path / "x.py").write_text(line)
    (call,) = calls(tmp_path / "x.py")
    assert faults(call)


def test_every_event_of_the_table_is_logged_somewhere():
    logged = {arg.value for path in FILES for call in calls(path) for arg in call.args if isinstance(arg, ast.Constant)}
    assert set(EVENTS) - logged == set()


def test_every_message_id_is_its_own_and_random():
    ids = [uuid.UUID(text) for text in EVENTS.values()]
    assert len(set(ids)) == len(EVENTS)
    assert {i.version for i in ids} == {4}
    assert all(i.hex == text for i, text in zip(ids, EVENTS.values(), strict=True))

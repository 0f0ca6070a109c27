"""What the documents say, the program does."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import click
import pytest

from edge_daemon.cli import cli
from edge_daemon.config import Config
from edge_daemon.configfile import file_name, load_config, tomllib
from tests.plain_english import blocks_of, checked_files, findings_of

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
    ROOT / "demo/pictures/SOURCES.md",
    ROOT / "CHANGELOG.md",
]
EXAMPLE = ROOT / "docs" / "config.example.toml"


def keys() -> list[tuple[str, str, str]]:
    """Section, key and its description, of every setting."""
    return [
        (section, file_name(key), key.metadata["key"].doc)
        for section, kind in get_type_hints(Config).items()
        for key in fields(kind)
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_line_in_a_document_can_be_parsed(document):
    text = document.read_text(encoding="utf-8")
    lines = re.findall(r"^    (edge-daemon .*)$", text, re.M) + re.findall(r"`(edge-daemon [^`]*)`", text)
    for line in lines:
        if "[" in line or "COMMAND" in line or line.endswith(" --version"):
            continue
        arguments = shlex.split(line, comments=True)[1:]
        if "--home" in arguments:
            at = arguments.index("--home")
            del arguments[at : at + 2]
        command, context = cli, click.Context(cli)
        while isinstance(command, click.Group) and arguments:
            found = command.get_command(context, arguments[0])
            assert found is not None, line
            command = found
            del arguments[0]
        command.make_context(line, arguments)  # raises a UsageError for what it does not know


def test_every_command_line_of_the_office_can_be_parsed():
    from edge_daemon_office.cli import cli as office

    text = "".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("OFFICE.md", "EXCHANGE.md"))
    lines = re.findall(r"^    (edge-daemon-office .*)$", text, re.M)
    assert len(lines) > 5
    for line in lines:
        arguments = shlex.split(line, comments=True)[1:]
        assert arguments[0] == "--home"
        del arguments[:2]
        command, context = office, click.Context(office)
        while isinstance(command, click.Group) and arguments:
            found = command.get_command(context, arguments.pop(0))
            assert found is not None, line
            command = found
        command.make_context(line, arguments)


def test_documents_and_docstrings_are_plain_english():
    """`python -m tests.plain_english FILE` prints what a file lacks; CONTRIBUTING.md has the rules."""
    found = {path.relative_to(ROOT).as_posix(): findings_of(blocks_of(path)) for path in checked_files()}
    assert not {path: findings for path, findings in found.items() if findings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_into_the_repository_leads_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_every_section_is_in_the_document_of_the_settings():
    text = (ROOT / "docs" / "CONFIGURATION.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `[")]
    assert set(re.findall(r"\[(\w+)\]", " ".join(rows))) == {section for section, _, _ in keys()}


def test_the_example_says_of_every_key_what_the_program_says():
    text = EXAMPLE.read_text(encoding="utf-8")
    sections = {part.split("]")[0]: part for part in re.split(r"^\[", text, flags=re.M)[1:]}
    for section, key, doc in keys():
        comment = re.search(rf"^# (.*)\n# {key} = ", sections[section], re.M)[1]
        assert comment.startswith(f"{doc}."), f"{section}.{key}"


def test_the_example_of_the_settings_is_all_comments_and_means_defaults():
    assert load_config(EXAMPLE) == Config()


def test_with_its_comments_taken_off_the_example_names_every_key_with_its_default(tmp_path):
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    bare = "\n".join(re.sub(r"^# (?=[a-z_]+ = )", "", line) for line in lines)
    path = tmp_path / "config.toml"
    path.write_text(bare, encoding="utf-8")
    documented = {(section, key) for section, table in tomllib.loads(bare).items() for key in table}
    assert documented == {(section, key) for section, key, _ in keys()}
    loaded, defaults = load_config(path), Config()
    for section in (
        "timetable",
        "week",
        "camera",
        "lesson",
        "rule",
        "attention",
        "models",
        "vision",
        "upstream",
        "mail",
    ):
        assert getattr(loaded, section) == getattr(defaults, section)


def test_the_arm_requirements_name_all_seven_packages():
    text = (ROOT / "requirements-arm.txt").read_text(encoding="utf-8")
    for name in ("picamera2", "opencv-python", "tflite-runtime", "numpy", "sqlite-utils", "systemd-python", "requests"):
        assert name in text


def test_every_picture_of_the_demo_has_its_source():
    sources = (ROOT / "demo/pictures/SOURCES.md").read_text(encoding="utf-8")
    pictures = [p for p in (ROOT / "demo/pictures").rglob("*") if p.suffix in (".jpg", ".jpeg", ".png")]
    assert len(pictures) >= 6
    for picture in pictures:
        assert f"`{picture.relative_to(ROOT / 'demo/pictures')}`" in sources
        assert picture.stat().st_size <= 100_000


def test_the_index_names_every_page_and_every_schema():
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for kind in ("*.md", "*.schema.json") for path in (ROOT / "docs").glob(kind)} - {"README.md"}
    assert pages == {page for page in pages if f"]({page})" in text}


@pytest.mark.parametrize(
    ("page", "least"),
    [("PRIVACY.md", 10), ("DELIVERY.md", 10), ("COLLECT.md", 10), ("OFFICE.md", 5), ("EXCHANGE.md", 3)],
)
def test_every_promise_of_a_page_names_a_test_that_is_there(page, least):
    page = (ROOT / "docs" / page).read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.(?:py|sh))(?:::(\w+))?`", page)
    assert len(named) > least
    for path, name in named:
        text = (ROOT / path).read_text("utf-8")
        assert not name or f"def {name}(" in text, f"{path}: {name}"

"""Imports follow docs/ARCHITECTURE.md, and what it says about folders is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.office import shared_code

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "edge_daemon"
STEPS = {"lesson", "camera", "vision", "gallery", "checkin", "attendance", "delivery"}
LEAVES = {"store", "device"}
SHARED = {"types", "traits", "errors", "config", "timestamps", "plain_text", "domains", "image_header", "sqlite"}
SHARED |= {"interpreter", "whole_file"}
USED = {"camera": {"device"}, "gallery": LEAVES, "attendance": {"device", "neural_network"}, "delivery": LEAVES}
"""What a step imports beside its own folder and the shared modules; `attendance/` needs no database."""
ALLOWED = {
    **{step: SHARED | USED.get(step, set()) | {step} for step in STEPS},
    **{leaf: SHARED | {leaf} for leaf in LEAVES},
    "neural_network": {"neural_network"},
    "lab": SHARED | {"vision", "camera", "lab"},
    "types": {"traits"},
    "traits": set(),
    "errors": set(),
    "timestamps": set(),
    "interpreter": set(),
    "whole_file": set(),
    "plain_text": set(),
    "domains": set(),
    "image_header": {"errors"},
    "sqlite": set(),
    "config": set(),
    "configfile": {"config", "errors"},
    "home": {"config", "configfile", "errors"},
    "app": SHARED | LEAVES | STEPS | {"home"},
    "cli": SHARED - {"sqlite", "image_header"} | {"home", "configfile", "app", "cli", "lab"},
    "__main__": {"cli", "device", "errors"},
    "__init__": set(),
}


@cache
def modules() -> dict[str, Path]:
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}


@cache
def imported(path: Path, *, everything: bool = False) -> frozenset[str]:
    """Return the names of our modules, or of things in them, that a file imports anywhere, even inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in names if everything or name.split(".")[0] == "edge_daemon")


def reached_by(module: str, depth: int | None = None) -> set[str]:
    """Return a module and all modules that it imports, directly or not, even inside functions.

    Args:
        module: dotted name.
        depth: number of import steps to follow; None for all.
    """
    known, found, new = modules(), {module}, {module}
    while new and depth != 0:
        names = {name for one in new for name in imported(known[one])}
        new = {n if n in known else n.rpartition(".")[0] for n in names} & known.keys() - found
        found |= new
        depth = None if depth is None else depth - 1
    return found


def part(name: str) -> str:
    """Return the folder or module directly under edge_daemon to which a dotted name belongs."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_imports_only_what_its_place_may(module):
    known = {part(name) for name in modules()}
    for name in imported(modules()[module]):
        if part(name) in known:  # else a name of edge_daemon/__init__.py, such as __version__
            assert part(name) in ALLOWED[part(module)] or part(module) == part(name), f"{module} imports {name}"


def test_no_step_imports_another():
    for module, path in modules().items():
        step = part(module)
        if step in STEPS:
            others = {part(name) for name in imported(path)} & STEPS - {step}
            assert others == set(), f"{module} imports {others}"


def test_cli_knows_no_picture_no_sql_and_no_step():
    for module, path in modules().items():
        if part(module) == "cli":
            names = imported(path, everything=True)
            assert not {name.split(".")[0] for name in names} & {"sqlite3", "sqlite_utils", "numpy", "cv2"}, module


def rooms() -> dict[str, set[str]]:
    """Return the public modules of each room of app/."""
    found = {}
    for path in (PACKAGE / "app").glob("*/__init__.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and node.targets[0].id == "PUBLIC_MODULES":
                found[path.parent.name] = set(ast.literal_eval(node.value))
    return found


def test_app_has_no_loose_module_and_every_room_says_what_is_public():
    assert [path.name for path in (PACKAGE / "app").glob("*.py")] == ["__init__.py"]
    folders = {path.name for path in (PACKAGE / "app").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms().keys() == folders
    for room, public in rooms().items():
        assert public <= {path.stem for path in (PACKAGE / "app" / room).glob("*.py")}, room


def test_a_program_imports_no_internals_of_another():
    public = rooms()
    for module, path in modules().items():
        own = module.split(".")[2] if part(module) == "app" and module.count(".") > 1 else None
        for name in imported(path):
            parts = name.split(".")
            if parts[1:2] != ["app"] or len(parts) < 4 or parts[2] == own:
                continue
            target = PACKAGE / "app" / parts[2] / f"{parts[3]}.py"
            assert not target.exists() or parts[3] in public[parts[2]], f"{module} imports {name}"


def test_no_two_programs_need_each_other():
    graph: dict[str, set[str]] = {}
    for module, path in modules().items():
        if part(module) == "app" and module.count(".") > 2:
            room = module.split(".")[2]
            used = {name.split(".")[2] for name in imported(path) if part(name) == "app" and name.count(".") > 1}
            graph.setdefault(room, set()).update((used & rooms().keys()) - {room})
    list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_basenames_are_unique_within_app_and_differ_from_the_steps():
    names: dict[str, list[str]] = {}
    for path in (PACKAGE / "app").rglob("*.py"):
        if path.stem != "__init__":
            names.setdefault(path.stem, []).append(str(path.relative_to(PACKAGE)))
    assert {name: paths for name, paths in names.items() if len(paths) > 1} == {}
    others = {path.stem for part in STEPS | LEAVES for path in (PACKAGE / part).rglob("*.py")} - {"__init__"}
    assert names.keys() & (others | STEPS | LEAVES) == set()


def test_no_two_classes_share_a_name():
    classes: dict[str, list[str]] = {}
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes.setdefault(node.name, []).append(module)
    assert {name: where for name, where in classes.items() if len(where) > 1} == {}


def test_no_two_modules_need_each_other():
    known = modules()
    graph = {}
    for module, path in known.items():
        names = imported(path)
        graph[module] = {n if n in known else n.rpartition(".")[0] for n in names} & set(known) - {module}
    list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_every_folder_is_a_box_of_the_picture():
    picture = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8").split("```")[1]
    boxes = set(re.findall(r'\["(\w+)/<br>', picture)) | set(re.findall(r'\[\("(\w+)/<br>', picture))
    folders = {path.parent.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*/*.py")}
    assert folders <= boxes
    assert boxes - folders == {"models_tflite"}


def test_the_picture_joins_a_step_to_what_it_uses():
    picture = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8").split("```")[1]
    joined = re.findall(r"^ *(\w+) --- (\w+)$", picture, re.MULTILINE)
    assert sorted(joined) == sorted((step, other) for step, others in USED.items() for other in others)


def test_every_room_is_in_the_table():
    table = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8").split("### The rooms of `app/`")[1]
    assert set(re.findall(r"^\| `(\w+)/` \|", table.split("\n## ")[0], re.MULTILINE)) == rooms().keys()


def test_no_file_is_longer_than_400_lines():
    assert {m: n for m, p in modules().items() if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400} == {}


def test_sqlite_utils_is_imported_at_one_place_which_keeps_numpy_away():
    pattern = re.compile(r"^\s*(?:import|from) sqlite_utils\b", re.MULTILINE)
    assert {m for m, path in modules().items() if pattern.search(path.read_text("utf-8"))} == {"edge_daemon.sqlite"}


def test_the_service_between_lessons_has_neither_numpy_nor_a_network_library_in_its_memory():
    code = "import sys, edge_daemon.cli.run, edge_daemon.app.service.service; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert not set(loaded.split()) & {"cv2", "numpy", "ai_edge_litert", "requests", "xlsxwriter", "edge_daemon.vision"}


def test_the_copy_of_shared_code_is_the_devices_own():
    assert shared_code.copied_files() == shared_code.expected(), "run `python -m tests.office.shared_code`, and commit"


def test_no_file_of_the_office_is_longer_than_400_lines():
    files = (ROOT / "edge_daemon_office").rglob("*.py")
    assert {str(p): n for p in files if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400} == {}

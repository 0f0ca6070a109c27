"""Data flows to the right: who may import whom (docs/ARCHITECTURE.md), and what is said of folders is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "edge_daemon"
STEPS = {"lesson", "camera", "vision", "gallery", "attendance", "delivery"}
LEAVES = {"store", "device"}
SHARED = {"types", "errors", "config", "timestamps", "image_header", "sqlite"}
ALLOWED = {
    **{step: SHARED | LEAVES | {step} for step in STEPS},
    **{leaf: SHARED | {leaf} for leaf in LEAVES},
    "types": set(),
    "errors": set(),
    "timestamps": set(),
    "image_header": {"errors"},
    "sqlite": set(),
    "config": set(),
    "configfile": {"config", "errors"},
    "home": {"config", "configfile", "errors"},
    "app": SHARED | LEAVES | STEPS | {"home"},
    "cli": SHARED | LEAVES | STEPS | {"home", "configfile", "app", "cli"},
    "__main__": {"cli", "device", "errors"},
    "__init__": set(),
}


def modules() -> dict[str, Path]:
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}


def imported(path: Path) -> set[str]:
    """Names of our modules, or of things in them, that a file imports anywhere, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "edge_daemon"}


def part(name: str) -> str:
    """Return the folder or module right under edge_daemon that a dotted name lies in."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_imports_only_what_its_place_may(module):
    known = {part(name) for name in modules()}
    for name in imported(modules()[module]):
        if part(name) in known:  # else a name of edge_daemon/__init__.py, such as __version__
            assert part(name) in ALLOWED[part(module)] or part(module) == part(name), f"{module} imports {name}"


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


def test_no_file_is_longer_than_400_lines():
    assert {m: n for m, p in modules().items() if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400} == {}


def test_sqlite_utils_is_imported_at_one_place_which_keeps_numpy_away():
    pattern = re.compile(r"^\s*(?:import|from) sqlite_utils\b", re.MULTILINE)
    assert {m for m, path in modules().items() if pattern.search(path.read_text("utf-8"))} == {"edge_daemon.sqlite"}


def test_the_service_between_lessons_has_neither_numpy_nor_a_network_library_in_its_memory():
    code = "import sys, edge_daemon.cli.run, edge_daemon.app.service.service; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert not set(loaded.split()) & {"cv2", "numpy", "ai_edge_litert", "requests", "xlsxwriter", "edge_daemon.vision"}

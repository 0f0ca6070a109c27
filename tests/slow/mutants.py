"""Mutants of a module, made with the operators of mutmut, and their insertion into a running program."""

from __future__ import annotations

import ast
import sys
import types
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    path: str
    """Path of the module, from the root of the repository."""
    number: int
    function: str
    """Qualified name of the changed function; empty for a statement of the module or of a class."""
    line: int
    before: str
    after: str
    """The changed lines, without and with the change."""
    source: str
    """The whole module with the change."""

    @property
    def name(self) -> str:
        return f"{self.path}:{self.line} #{self.number}"


def mutants_of(root: Path, path: str) -> Iterator[Mutant]:
    """Yield all mutants of a module that mutmut can make, including those of its constants."""
    source = (root / path).read_text(encoding="utf-8")
    wrapper = MetadataWrapper(cst.parse_module(source))
    visitor = MutationVisitor(mutation_operators, IgnoredCode(set(), set(), set()))
    module = wrapper.visit(visitor)
    positions = wrapper.resolve(PositionProvider)
    functions = dict(_functions(wrapper.module))
    texts = {function: module.code_for_node(function) for function, name in functions.items() if "." not in name}
    seen = set()
    for number, mutation in enumerate(visitor.mutations):
        line = positions[mutation.original_node].start.line
        whole = mutation.contained_by_top_level_function
        original, changed_node = mutation.original_node, mutation.mutated_node
        if whole in texts:
            text = module.code_for_node(whole.deep_replace(original, changed_node))  # type: ignore[arg-type]
            assert source.count(texts[whole]) == 1  # type: ignore[index]
            changed = source.replace(texts[whole], text)  # type: ignore[index]
        elif whole is None and _is_list_of_names(source.splitlines(), line):
            continue
        else:
            changed = module.deep_replace(original, changed_node).code  # type: ignore[arg-type]
        if changed != source and changed not in seen:
            seen.add(changed)
            before, after = _changed_lines(source, changed)
            # What is of a class but outside its methods is run once, when the module is imported.
            yield Mutant(path, number, functions.get(whole, ""), line, before, after, changed)  # type: ignore[arg-type]


def _is_list_of_names(lines: list[str], line: int) -> bool:
    """Return whether a line belongs to `__all__`.

    Only `from … import *` reads it, and no module of the program does that.
    """
    begin = next((text for text in reversed(lines[:line]) if text and text[0] not in " ])"), "")
    return begin.startswith("__all__")


def _functions(node: cst.CSTNode, prefix: str = "") -> Iterator[tuple[cst.FunctionDef, str]]:
    """Yield the functions of a module and the methods of its classes with their qualified names."""
    for child in getattr(node.body, "body", node.body):  # type: ignore[attr-defined]
        if isinstance(child, cst.FunctionDef):
            yield child, prefix + child.name.value
        elif isinstance(child, cst.ClassDef):
            yield from _functions(child, f"{prefix}{child.name.value}.")


def _changed_lines(source: str, changed: str) -> tuple[str, str]:
    old, new = source.splitlines(), changed.splitlines()
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    return " ".join(map(str.strip, old[start : len(old) - end])), " ".join(map(str.strip, new[start : len(new) - end]))


def _common(old: list[str], new: list[str]) -> int:
    """Return how many lines are equal at the beginning."""
    pairs = zip(old, new, strict=False)
    return next((number for number, (one, two) in enumerate(pairs) if one != two), min(len(old), len(new)))


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def put_in(mutant: Mutant, importers: Importers) -> None:
    """Put a mutant into the loaded module, and into all modules that imported names from it."""
    live = sys.modules[module_name(mutant.path)]
    fresh = types.ModuleType(live.__name__)
    fresh.__file__ = live.__file__
    exec(compile(mutant.source, str(live.__file__), "exec", dont_inherit=True), fresh.__dict__)
    new = dict(functions_of(fresh))
    for name, old in functions_of(live):
        old.__code__ = new[name].__code__
        _put_in_defaults(old, new[name])
        for defaults in ("__defaults__", "__kwdefaults__"):
            if repr(getattr(old, defaults)) != repr(getattr(new[name], defaults)):
                setattr(old, defaults, getattr(new[name], defaults))
    for name in constants_of(mutant.path, live):
        if repr(vars(live)[name]) != repr(vars(fresh)[name]):
            setattr(live, name, vars(fresh)[name])
            for module, alias in importers.get((live.__name__, name), ()):
                setattr(sys.modules[module], alias, vars(fresh)[name])


def _put_in_defaults(old: types.FunctionType, new: types.FunctionType) -> None:
    """Put in what a constructor that `dataclass` made gives to fields which are no arguments."""
    cells = zip(old.__code__.co_freevars, old.__closure__ or (), new.__closure__ or (), strict=True)
    for name, cell, fresh in cells:
        if name.startswith(("_dflt_", "__dataclass_dflt_")):
            cell.cell_contents = fresh.cell_contents


def functions_of(module: types.ModuleType) -> Iterator[tuple[str, types.FunctionType]]:
    """Yield the functions of a module and the methods of its classes, including those that dataclasses made."""
    owners = [("", vars(module))]
    owners += [(f"{name}.", vars(value)) for name, value in vars(module).items() if _is_own(value, module, type)]
    for prefix, names in owners:
        for name, value in names.items():
            function = _plain(value)
            if _is_own(function, module, types.FunctionType) or (prefix and name == "__init__"):
                yield prefix + name, function


def _is_own(value: object, module: types.ModuleType, kind: type) -> bool:
    return isinstance(value, kind) and getattr(value, "__module__", "") == module.__name__


def constants_of(path: str, module: types.ModuleType) -> set[str]:
    """Return the names that a module assigns at its top."""
    tree = ast.parse((Path(str(module.__file__))).read_text("utf-8"))
    targets = [t for one in tree.body if isinstance(one, ast.Assign) for t in one.targets]
    targets += [one.target for one in tree.body if isinstance(one, ast.AnnAssign)]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)} & set(
        vars(module)
    )


Importers: TypeAlias = "Mapping[tuple[str, str], list[tuple[str, str]]]"
"""Maps a module and a name to the modules that imported it, each with its own name for it."""


def importers_of(paths: Sequence[str]) -> Importers:
    """Return which loaded modules of the program and its tests have imported names from modules."""
    wanted = {module_name(path) for path in paths}
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.split(".")[0] in ("edge_daemon", "tests") and Path(file).suffix == ".py":
            for node in ast.walk(ast.parse(Path(file).read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module in wanted:
                    for one in node.names:
                        found[node.module, one.name].append((name, one.asname or one.name))
    return found


def _plain(function: Any) -> Any:
    """Return the function inside its decorators."""
    for attribute in ("__func__", "fget", "__wrapped__"):
        function = getattr(function, attribute, None) or function
    return function

"""What earlier runs of the mutation test found: a function that has not changed since then is not tried again."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.slow.mutants import Mutant
from tests.slow.mutation_reasons import reason_of
from tests.slow.mutation_session import Result

NAMES = ("function", "before", "after")
"""The fields that identify a listed survivor within a module."""


class Known:
    """The results of one module that still hold.

    Args:
        path: path of the module, from the root of the repository.
        source: the module of today.
        recorded: what OUT has about the module; empty if nothing is to be kept.
    """

    def __init__(self, path: str, source: str, recorded: Mapping[str, Any]) -> None:
        codes = codes_of(source)
        before = recorded.get("functions", {})
        unchanged = {name for name, code in codes.items() if before.get(name) == code}
        self.path, self.codes, self.unchanged = path, codes, unchanged
        self.survivors = {_name(one): one for one in recorded.get("survivors", ()) if one["function"] in unchanged}

    def holds(self, mutant: Mutant) -> bool:
        """Return whether it is known how the mutant ends: it was killed, or it survived for a reason."""
        if mutant.function not in self.unchanged:
            return False
        return _name(vars(mutant)) not in self.survivors or bool(reason(self.path, vars(mutant)))

    def with_results(self, mutants: Sequence[Mutant], results: Sequence[Result]) -> dict[str, Any]:
        """Return the module's entry of OUT.

        Args:
            mutants: all mutants of the module.
            results: those that were tried, of this and of other modules; whole functions.
        """
        ends = {result.mutant.number: result.end for result in results if result.mutant.path == self.path}
        tried = self.unchanged | {mutant.function for mutant in mutants if mutant.number in ends}
        untried = {mutant.function for mutant in mutants} - tried
        own = [mutant for mutant in mutants if mutant.function in tried]
        survivors = list(self._survivors(own, ends))
        return {
            "functions": {name: code for name, code in self.codes.items() if name not in untried},
            "mutants": len(own),
            "killed": len(own) - len(survivors),
            "survivors": sorted(survivors, key=lambda one: int(one["line"])),
        }

    def _survivors(self, mutants: Sequence[Mutant], ends: Mapping[int, str]) -> Iterator[dict[str, Any]]:
        for mutant in mutants:
            name = _name(vars(mutant))
            if mutant.number in ends:
                is_reached = {"survived": True, "untested": False}.get(ends[mutant.number])
            else:
                is_reached = self.survivors[name]["is_reached"] if name in self.survivors else None
            if is_reached is not None:
                found = {"function": mutant.function, "line": mutant.line}
                yield {**found, "before": mutant.before, "after": mutant.after, "is_reached": is_reached}


def reason(path: str, survivor: Mapping[str, Any]) -> str:
    """Return why a survivor of a module survives, empty where nobody has said so."""
    return reason_of(path, *(survivor[key] for key in NAMES))


def first_functions(mutants: Sequence[Mutant], most: int) -> list[Mutant]:
    """Return the mutants of the first functions, at most so many, but those of one function at least."""
    by_function: dict[tuple[str, str], list[Mutant]] = {}
    for mutant in mutants:
        by_function.setdefault((mutant.path, mutant.function), []).append(mutant)
    chosen: list[Mutant] = []
    for own in by_function.values():
        if chosen and len(chosen) + len(own) > most:
            break
        chosen += own
    return chosen


def codes_of(source: str) -> dict[str, str]:
    """Return a digest of each function and method of a module, and of the rest under an empty name.

    Comments, docstrings and places in the file are no part of it.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [one for one in node.body if not _is_text(one)]
    found = dict(_taken_out(tree, ""))
    return {**found, "": _digest(tree)}


def _taken_out(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the digest of each function, and leave only the functions' names in the node."""
    for number, child in enumerate(node.body):
        if isinstance(child, ast.FunctionDef):
            yield prefix + child.name, _digest(child)
            node.body[number] = ast.Expr(ast.Name(child.name))
        elif isinstance(child, ast.ClassDef):
            yield from _taken_out(child, f"{prefix}{child.name}.")


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _digest(node: ast.AST) -> str:
    return hashlib.sha256(ast.dump(node).encode()).hexdigest()[:12]


def _name(survivor: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(survivor[key] for key in NAMES)

"""Runs tests against mutants: pytest collects once, then each mutant gets a fork and the tests that reach it."""

from __future__ import annotations

import ast
import gc
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import Phase, settings

from tests.slow.mutants import Importers, Mutant, functions_of, importers_of, module_name, put_in

MEMORY_BYTES = 8 << 30


@dataclass(frozen=True)
class Result:
    """How the tests of one mutant ended."""

    mutant: Mutant
    end: str
    """`killed`, `timeout`, `survived`, or `untested`: no test reaches it."""
    test: str
    """The test that failed."""


@dataclass
class Reach:
    """Which functions each test calls, and how long it takes."""

    tests_of: dict[tuple[str, str], list[str]]
    """Tests that call a function, the fastest first, by the module's path and the function's qualified name."""
    names_of: dict[str, set[str]]
    """Names that each test's own code reads."""
    seconds: dict[str, float]
    """Processor time of each test."""
    budget_s: float
    """Limit for the tests of one mutant, in processor seconds; a mutant that needs more counts as a survivor."""

    def chosen(self, tests: Sequence[str]) -> list[str]:
        """Return as many of the tests as fit the budget, the fastest first, at least one."""
        chosen, spent = [], 0.0
        for test in sorted(set(tests), key=lambda one: self.seconds[one]):
            spent += self.seconds[test]
            if chosen and spent > self.budget_s:
                break
            chosen.append(test)
        return chosen

    def of_function(self, path: str, function: str) -> list[str]:
        return self.chosen(self.tests_of.get((path, function), ()))

    def of_constant(self, mutant: Mutant, importers: Importers) -> list[str]:
        """Return the tests that read the changed constant, and those of the functions which do, or of the module."""
        own = module_name(mutant.path)
        tree = ast.parse(Path(str(sys.modules[own].__file__)).read_text("utf-8"))
        whole = next(one for one in tree.body if one.lineno <= mutant.line <= (one.end_lineno or 0))
        words = {node.id for node in ast.walk(whole) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        words |= {whole.name} if isinstance(whole, ast.ClassDef) else set()
        readers = {own: words}
        for (module, name), places in importers.items():
            if module == own and name in words:
                for importer, alias in places:
                    readers.setdefault(importer, set()).update({alias, *words})
        tests: list[str] = []
        for module, names in readers.items():
            path = module.replace(".", "/") + ".py"
            for name, function in functions_of(sys.modules[module]):
                if names & _names_in(function.__code__):
                    tests += self.tests_of.get((path, name), ())
        of_module = [test for (path, _), reach in self.tests_of.items() if path == mutant.path for test in reach]
        direct = [test for test, names in self.names_of.items() if names & words]
        return self.chosen([*(tests or of_module), *direct])


def _names_in(code: types.CodeType) -> set[str]:
    inner = [_names_in(one) for one in code.co_consts if isinstance(one, types.CodeType)]
    return set(code.co_names).union(*inner)


class Plugin:
    """Replaces pytest's loop: measures what tests reach, then tries mutants."""

    def __init__(self, paths: Sequence[str], root: Path, work: Callable[[Plugin], None]) -> None:
        self.names, self.root, self.work = paths, root, work
        self.paths: dict[str, str] = {}
        self.session: pytest.Session
        self.killers: dict[tuple[str, str], list[str]] = defaultdict(list)
        """Tests that noticed other mutants of a function, the last one first; they run first."""

        self.called: set[types.CodeType] = set()
        self.shared: dict[tuple[str, str], set[types.CodeType]] = {}
        """Functions that shared fixtures call, by the fixture's name and place; only the first test that uses one
        creates it.
        """

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Any:
        before = self.called.copy()
        self.called.clear()
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":
                self.shared[fixturedef.argname, fixturedef.baseid] = self.called.copy()
            self.called |= before

    def pytest_configure(self) -> None:
        # Without a memory: what fails for one mutant is tried first for no other. No search for small examples.
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutation", deadline=None, database=None, derandomize=True, phases=phases)
        settings.load_profile("mutation")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("the tests can't be collected")
        self.session = session
        # Modules that import a constant count as well.
        loaded = [one for one in list(sys.modules.values()) if getattr(one, "__name__", "").startswith("edge_daemon.")]
        self.paths = {str(one.__file__): one.__name__.replace(".", "/") + ".py" for one in loaded if one.__file__}
        self.work(self)
        return True

    def measure(self, budget_s: float) -> Reach:
        """Run every test once without a mutant.

        Raises:
            SystemExit: a test fails.
        """
        tests_of: dict[tuple[str, str], set[str]] = defaultdict(set)
        seconds: dict[str, float] = {}

        def note(frame: types.FrameType, event: str, _: object) -> None:
            if event == "call":
                self.called.add(frame.f_code)

        def attribute(codes: Iterable[types.CodeType], test: str) -> None:
            for code in codes:
                path = self.paths.get(code.co_filename)
                if path is not None:
                    tests_of[path, code.co_qualname.split(".<locals>")[0]].add(test)

        items = self.session.items
        for number, item in enumerate(items):
            self.called.clear()
            began = time.process_time()
            threading.setprofile(note)
            sys.setprofile(note)
            try:
                after = items[number + 1] if number + 1 < len(items) else None
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            finally:
                sys.setprofile(None)
                threading.setprofile(None)  # type: ignore[arg-type]
            seconds[item.nodeid] = time.process_time() - began
            attribute(self.called, item.nodeid)
            if self.session.testsfailed:
                raise SystemExit(f"fails without any mutant: {item.nodeid}")
        for item in items:
            for (name, base), codes in self.shared.items():
                if name in item.fixturenames and item.nodeid.startswith(base):  # type: ignore[attr-defined]
                    attribute(codes, item.nodeid)
        ordered = {key: sorted(tests, key=lambda one: seconds[one]) for key, tests in tests_of.items()}
        names_of = {item.nodeid: _names_in(item.function.__code__) for item in items}  # type: ignore[attr-defined]
        return Reach(ordered, names_of, seconds, budget_s)

    def _run(self, items: Sequence[pytest.Item], seconds: Mapping[str, float]) -> str:
        """Run tests until one fails; return its name. A test that takes far longer than before ends the process."""
        for item, next_item in zip(items, [*items[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_PROF, 0.6 + 6 * seconds[item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=next_item)
            if self.session.testsfailed:
                return item.nodeid
        return ""

    def attempts(self, mutants: Iterable[Mutant], reach: Reach) -> Iterator[tuple[Mutant, Attempt | None]]:
        """Yield the work of a fork for each mutant."""
        by_name = {item.nodeid: item for item in self.session.items}
        importers = importers_of(self.names)
        for mutant in mutants:
            own = reach.of_function(mutant.path, mutant.function)
            tests = own if mutant.function else reach.of_constant(mutant, importers)
            if not tests:
                yield mutant, None
                continue
            first = [test for test in self.killers[mutant.path, mutant.function][:8] if test in tests]
            tests = list(dict.fromkeys([*first, *tests]))

            def go(folder: Path, mutant: Mutant = mutant, tests: Sequence[str] = tests) -> str:
                self.session.config.pluginmanager.unregister(name="terminalreporter")
                self.session.config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]
                put_in(mutant, importers)
                return self._run([by_name[test] for test in tests], reach.seconds)

            yield mutant, go


Attempt: TypeAlias = "Callable[[Path], str]"
"""The work of a fork in its own folder; returns the name of the failed test."""


def forked(attempts: Iterator[tuple[Mutant, Attempt | None]], parallel: int, report: Callable[[Result], None]) -> None:
    """Run every attempt in a process of its own, several at a time."""
    folder = Path(tempfile.mkdtemp(prefix="mutation-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    running: dict[int, tuple[Mutant, Path]] = {}
    gc.disable()
    gc.freeze()  # so that a fork shares what it does not change
    try:
        for number, (mutant, attempt) in enumerate(attempts):
            if attempt is None:
                report(Result(mutant, "untested", ""))
                continue
            while len(running) >= parallel:
                _reap(running, report)
            own = folder / str(number)
            own.mkdir()
            pid = os.fork()
            if pid == 0:
                _child(attempt, own)
            running[pid] = (mutant, own)
        while running:
            _reap(running, report)
    finally:
        for pid in running:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def _child(attempt: Attempt, folder: Path) -> None:
    """Run the attempt and end the process: exit code 0 if all tests passed; a file names a failed test."""
    code = 3
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        (folder / "tmp").mkdir()
        failed = attempt(folder / "tmp")
        (folder / "failed").write_text(failed)
        code = 1 if failed else 0
    except BaseException as error:  # noqa: BLE001 - a mutant that can't even be imported is killed, too
        (folder / "failed").write_text(f"{type(error).__name__}: {error}")
    finally:
        os._exit(code)


def _reap(running: dict[int, tuple[Mutant, Path]], report: Callable[[Result], None]) -> None:
    pid, status = os.wait()
    if pid not in running:
        return
    mutant, folder = running.pop(pid)
    named = folder / "failed"
    failed = named.read_text() if named.exists() else ""
    shutil.rmtree(folder, ignore_errors=True)
    code: Any = os.waitstatus_to_exitcode(status)
    end = {0: "survived", -signal.SIGPROF: "timeout"}.get(code, "killed")
    report(Result(mutant, end, failed or ("" if code in (0, -signal.SIGPROF) else f"exit {code}")))

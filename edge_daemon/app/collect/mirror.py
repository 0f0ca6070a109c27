"""From the office's server to a folder: what is needed of the tree, several documents at a time.

Registers and commitments are written once: what is in the folder already is not asked for again, so that `--keep` makes
the second run short and an interrupted one goes on. Letters to students, which also lie on the server, stay there.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from edge_daemon.app.collect import server_listing
from edge_daemon.app.collect.document_tree import MAX_BYTES, DocumentProblem
from edge_daemon.delivery.document_paths import quoted
from edge_daemon.delivery.http import HttpAnswer, NoAnswerError, Server
from edge_daemon.errors import DeliveryError

_AT_ONCE: Final = 6
_TRIES: Final = 3
_ROOT: Final = "v1/devices"
_WANTED: Final = re.compile(
    r"v1/devices/[^/]+/(?:key\.json|status\.json|days/[^/]+\.json|commitments/[^/]+\.json|registers/[^/]+/[^/]+\.json)"
)
_ONCE: Final = re.compile(r"v1/devices/[^/]+/(?:commitments|registers)/.*")
_OK: Final = 200

_In = TypeVar("_In")
_Out = TypeVar("_Out")

_OPTIONS: Final = {"upstream.ca_file": "--ca-file", "upstream.url": "DIR_OR_URL", "upstream.proxy": "HTTPS_PROXY"}
"""What `collect` has in place of a device's settings."""


class NotReachedError(DeliveryError):
    """The server did not answer as it should; what was asked for may be right."""

    exit_code = 1


class Mirror:
    """A server and the folder that gets its documents.

    Args:
        connect: makes a connection to the server; one a thread.
        target: the folder.
    """

    def __init__(self, connect: Callable[[], Server], target: Path) -> None:
        self._connect, self._target = connect, target
        self._local, self._opened, self._lock = threading.local(), list[Server](), threading.Lock()

    def fetch(self, progress: Callable[[int, int], None]) -> list[DocumentProblem]:
        """Bring every document that is not there yet; return what could not be had.

        Raises:
            NotReachedError: the server does not answer.
            DeliveryError: it does not let us in, or can't say what it has.
        """
        try:
            with ThreadPoolExecutor(_AT_ONCE) as self._pool:
                wanted = sorted(path for path in self._paths() if not self._is_here(path))
                problems: list[DocumentProblem] = []
                for done, problem in enumerate(self._pool.map(self._bring, wanted), 1):
                    progress(done, len(wanted))
                    problems += [problem] if problem else []
                return problems
        except NoAnswerError as error:
            hint = "run it again; with --keep what is there already is not asked for again"
            raise NotReachedError(_explained(error.what), self._server().base, hint) from error
        finally:
            for server in self._opened:
                server.close()

    def _paths(self) -> Iterator[str]:
        found = self._patient(lambda: server_listing.index(self._server()))
        for path in found if found is not None else self._walk():
            if _WANTED.fullmatch(path) and all(server_listing.is_name(part) for part in path.split("/")):
                yield path

    def _walk(self) -> Iterator[str]:
        """Yield the paths of everything, folder by folder."""
        devices = [f"{_ROOT}/{one.name}" for one in self._folder(_ROOT) if one.is_folder]
        if not devices:
            hint = "give the address that `upstream.url` of the devices has"
            raise DeliveryError(f"has no {_ROOT} with a device in it", self._server().base, hint)
        for device, entries in zip(devices, self._each(self._folder, devices), strict=True):
            yield from (f"{device}/{one.name}" for one in entries if not one.is_folder)
        plain = [f"{device}/{name}" for device in devices for name in ("days", "commitments")]
        lessons = [
            f"{device}/registers/{one.name}"
            for device, entries in zip(
                devices, self._each(self._folder, [f"{device}/registers" for device in devices]), strict=True
            )
            for one in entries
            if one.is_folder
        ]
        folders = plain + lessons
        for folder, entries in zip(folders, self._each(self._folder, folders), strict=True):
            yield from (f"{folder}/{one.name}" for one in entries if not one.is_folder)

    def _folder(self, path: str) -> list[server_listing.ListingEntry]:
        return self._patient(lambda: server_listing.folder(self._server(), path))

    def _each(self, work: Callable[[_In], _Out], things: Iterable[_In]) -> Iterator[_Out]:
        return self._pool.map(work, things)

    def _is_here(self, path: str) -> bool:
        return _ONCE.fullmatch(path) is not None and (self._target / path).is_file()

    def _bring(self, path: str) -> DocumentProblem | None:
        answer = self._patient(lambda: self._ask(path))
        if answer.is_cut:
            return DocumentProblem(path, f"is larger than {MAX_BYTES >> 20} MiB")
        if answer.status != _OK:
            return DocumentProblem(path, f"is listed, and can't be had ({answer.status})")
        target = self._target / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(answer.body)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return None

    def _ask(self, path: str) -> HttpAnswer:
        return self._server().ask("GET", quoted(path), max_bytes=MAX_BYTES, packed=True)

    def _patient(self, work: Callable[[], _Out]) -> _Out:
        for again in range(_TRIES - 1):
            try:
                return work()
            except NoAnswerError:
                time.sleep(2**again)
        return work()

    def _server(self) -> Server:
        server: Server | None = getattr(self._local, "server", None)
        if server is None:
            server = self._local.server = self._connect()
            with self._lock:
                self._opened.append(server)
        return server


def _explained(what: str) -> str:
    for setting, option in _OPTIONS.items():
        what = what.replace(setting, option)
    return what

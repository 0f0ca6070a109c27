"""Downloads the needed part of the office's server to a folder, several documents at a time.

Registers and commitments never change, so that a document in the folder is not requested again. With `--keep` the
second run is therefore short, and an interrupted run can continue. The index stores the version of the other documents,
and which folders have not changed since they were listed. Messages to students stay on the server.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from edge_daemon.app.collect import server_listing
from edge_daemon.app.collect.document_tree import MAX_BYTES, DocumentProblem
from edge_daemon.app.collect.mirror_state import MirrorState
from edge_daemon.app.collect.proof_index import ProofIndex
from edge_daemon.delivery.document_paths import quoted
from edge_daemon.delivery.folder_listing import FolderListing, is_kept_by_windows, is_name
from edge_daemon.delivery.http import HttpAnswer, NoAnswerError, Server
from edge_daemon.errors import DeliveryError

_AT_ONCE: Final = 6
_TRIES: Final = 3
_ROOT: Final = "v1/devices"
_WANTED: Final = re.compile(
    r"v1/devices/[^/]+/(?:key\.json|status\.json|removals\.json|days/[^/]+\.json|commitments/[^/]+\.json"
    r"|registers/[^/]+/[^/]+\.json)"
)
_ONCE: Final = re.compile(r"v1/devices/[^/]+/(?:commitments|registers)/.*")
_OK: Final = 200
_FEW: Final = 4
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

_Out = TypeVar("_Out")

_OPTIONS: Final = {
    "upstream.ca_file": "--ca-file",
    "upstream.client_cert_file": "--client-cert-file",
    "upstream.url": "DIR_OR_URL",
    "upstream.proxy": "HTTPS_PROXY",
}
"""Option of `collect` for each setting of a device."""


class NotReachedError(DeliveryError):
    """The server did not answer as it should; the request itself may be right."""

    exit_code = 1


class Mirror:
    """Copies documents from a server to a folder.

    Args:
        connect: makes a connection to the server, one for each thread.
        target: the folder.
        index: stores what is in the folder.
    """

    def __init__(self, connect: Callable[[], Server], target: Path, index: ProofIndex) -> None:
        self._connect, self._target, self._index = connect, target, index
        self._local, self._opened, self._lock = threading.local(), list[Server](), threading.Lock()

    def fetch(self, progress: Callable[[int, int], None]) -> list[DocumentProblem]:
        """Download every document that is not in the folder yet; return a problem for each failed download.

        Raises:
            NotReachedError: the server does not answer.
            DeliveryError: the server refuses the login, or can't list its documents.
        """
        state = self._state = MirrorState.of(self._index, self._server().base)
        try:
            with ThreadPoolExecutor(_AT_ONCE) as self._pool:
                wanted = sorted(path for path, version in self._paths() if not self._is_here(path, version))
                problems: list[DocumentProblem] = []
                for done, (path, problem) in enumerate(
                    zip(wanted, self._pool.map(self._bring, wanted), strict=True), 1
                ):
                    progress(done, len(wanted))
                    if problem:
                        state.forget(path)
                        problems.append(problem)
                        state.next_cursor = state.cursor  # the feed names it again
        except NoAnswerError as error:
            hint = "run it again; with --keep what is there already is not requested again"
            raise NotReachedError(_explained(error.what), self._server().base, hint) from error
        finally:
            for server in self._opened:
                server.close()
        state.keep(self._index)
        return problems

    def _paths(self) -> Iterator[tuple[str, str]]:
        """Yield paths and versions of the server's documents; some that the folder already has may be left out."""
        found = self._patient(lambda: server_listing.index(self._server(), self._state.cursor))
        if found is not None:
            self._state.next_cursor = found.cursor
            if not found.is_whole:
                self._state.next_files |= self._state.files
        for path, version in found.files.items() if found is not None else self._walk():
            self._state.next_files[path] = version
            if version and version == self._state.files.get(path) and self._exists(path):
                continue  # checked in an earlier run
            if _WANTED.fullmatch(path) and all(is_name(part) for part in path.split("/")):
                yield path, version

    def _walk(self) -> Iterator[tuple[str, str]]:
        """Yield the paths of all documents, folder by folder."""
        devices = [f"{_ROOT}/{one.name}" for one in self._folder(_ROOT).entries if one.is_folder]
        if not devices:
            hint = "give the address that `upstream.url` of the devices has"
            raise DeliveryError(f"has no {_ROOT} with a device in it", self._server().base, hint)
        folders = []
        for device, listing in zip(devices, self._pool.map(self._folder, devices), strict=True):
            yield from self._files(device, listing)
            folders += [f"{device}/{name}" for name in ("days", "registers")]
            folders += self._changed(device, listing, ("commitments",))
        lessons = []
        for folder, listing in zip(folders, self._pool.map(self._folder, folders), strict=True):
            yield from self._files(folder, listing)
            if folder.endswith("/registers"):
                lessons += self._changed(folder, listing, None)
        for folder, listing in zip(lessons, self._pool.map(self._folder, lessons), strict=True):
            yield from self._files(folder, listing)

    def _files(self, folder: str, listing: FolderListing) -> Iterator[tuple[str, str]]:
        for one in listing.entries:
            if not one.is_folder:
                yield f"{folder}/{one.name}", one.version if listing.is_settled(one) else ""

    def _changed(self, folder: str, listing: FolderListing, names: Collection[str] | None) -> list[str]:
        """Return the subfolders that may have changed since they were listed last, and store their present versions."""
        below = [one for one in listing.entries if one.is_folder and (names is None or one.name in names)]
        # If a server reports the same time for all folders, the times say nothing about changes.
        says_when = len(below) < _FEW or len({one.version for one in below}) > 1
        found = []
        for one in below:
            path = f"{folder}/{one.name}"
            if says_when and listing.is_settled(one):
                self._state.next_folders[path] = one.version
                if self._state.folders.get(path) == one.version:
                    continue
            found.append(path)
        return found

    def _folder(self, path: str) -> FolderListing:
        return self._patient(lambda: server_listing.folder(self._server(), path))

    def _exists(self, path: str) -> bool:
        return os.path.exists(os.path.join(self._target, path))  # noqa: PTH110, PTH118 - faster, for every document

    def _is_here(self, path: str, version: str) -> bool:
        """Return whether a document need not be requested, because the folder has the server's version."""
        if _ONCE.fullmatch(path):
            return self._exists(path)
        return bool(version) and self._state.files.get(path) == version and self._exists(path)

    def _bring(self, path: str) -> DocumentProblem | None:
        answer = self._patient(lambda: self._ask(path))
        if answer.is_cut:
            return DocumentProblem(path, f"is larger than {MAX_BYTES >> 20} MiB")
        if answer.status != _OK:
            return DocumentProblem(path, f"is listed, but can't be fetched ({answer.status})")
        if os.name == "nt" and not is_kept_by_windows(path):
            return DocumentProblem(path, "has a name that Windows does not allow")
        target = self._target / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with os.fdopen(os.open(part, _NEW_FILE, 0o600), "wb") as file:
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

"""Run a lesson again with its stored faces, so that changes of the naming are measured in seconds.

Finding and reading faces takes nearly all of a lesson's time. The result depends on the networks and the code of
`vision/`, not on naming. The cache therefore keeps the faces, and the home after `enrol import`.
"""

from __future__ import annotations

import hashlib
import pickle
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from unittest import mock

from benchmarks.folder import DataError
from benchmarks.lesson_truth import Outcome, read_outcome
from edge_daemon.app.capture import comparer
from edge_daemon.app.capture.rehearsal import RehearsalRequest, rehearse
from edge_daemon.app.opening.models_and_gallery import load_models
from edge_daemon.home import Home
from edge_daemon.types import Face, Picture
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.pipeline import Detector, RoomDetector

PACKAGE = Path(comparer.__file__).resolve().parents[2]
_PORTRAITS_ONLY = ("portrait.py", "painted_covers.py")
"""Files of `vision/` that are not used for captures."""
_PATCHED = threading.Lock()
"""Allows one lesson at a time, because the replay replaces the program's detector in the whole process."""


def replay(path: Path, settings: str, cache: Path, enrol: Callable[[Path, Path, str], object]) -> Outcome:
    """Enrol and rehearse a lesson with the cached faces; return the register's result.

    Args:
        path: the lesson.
        settings: text of the config.toml.
        cache: folder, created if missing. It is trusted, so only this benchmark may write there.
        enrol: makes a home (lesson, home, settings).

    Raises:
        DataError: the lesson or the cache can't be read.
    """
    try:
        with _PATCHED, tempfile.TemporaryDirectory(prefix="edge-daemon-replay-") as temporary:
            home = Path(temporary) / "home"
            _enrolled(path, home, settings, cache, enrol)
            return _rehearsed(path, home, cache, Path(temporary) / "sightings.csv")
    except (OSError, pickle.UnpicklingError, EOFError) as error:
        raise DataError(f"can't be replayed ({type(error).__name__})", str(path), "remove the cache") from error


def _enrolled(path: Path, home: Path, settings: str, cache: Path, enrol: Callable[[Path, Path, str], object]) -> None:
    """Copy the home of the lesson's class, made now or earlier by the same code."""
    files = [path / "roster.csv", *sorted(one for one in (path / "photos").rglob("*") if one.is_file())]
    code = (text for _, text in _code("gallery", "vision", "app/enrolment"))
    key = _key([settings.encode(), *code, *_contents(path, files)])
    kept = cache / f"home-{key}"
    if not kept.exists():
        made = cache / f"home-{key}.part"
        shutil.rmtree(made, ignore_errors=True)
        made.parent.mkdir(parents=True, exist_ok=True)
        enrol(path, made, settings)
        made.rename(kept)
    shutil.copytree(kept, home)


def _rehearsed(path: Path, home: Path, cache: Path, sightings: Path) -> Outcome:
    opened = Home(home)
    models = load_models(opened.config)
    frames = sorted(one for one in (path / "frames").iterdir() if one.is_file())
    networks = [card.sha256.encode() for card in models.cards]
    reading = (text for file, text in _code("vision") if file.name not in _PORTRAITS_ONLY)
    kept = cache / f"faces-{_key([*networks, *reading, *_contents(path, frames)])}.pickle"
    detector = _Recorded(models, kept)
    with (
        mock.patch.object(comparer, "Detector"),
        mock.patch.object(comparer, "RoomDetector", return_value=detector),
    ):
        request = RehearsalRequest(path / "frames", sightings=sightings)
        document = rehearse(opened, request, lambda *_: None).json()
    detector.keep()
    return read_outcome(document, sightings)


class _Recorded:
    """Returns the faces of one capture after another: from the cache, or found now."""

    thumbnail: Picture | None = None

    def __init__(self, models: ModelSet, kept: Path) -> None:
        self._kept, self._is_new = kept, not kept.exists()
        self._detect = RoomDetector(Detector(models, threads=1)) if self._is_new else None
        self._found: list[list[Face]] = [] if self._is_new else pickle.loads(kept.read_bytes())
        self._next = 0

    def __call__(self, picture: Picture, *, without: Collection[str] = ()) -> list[Face]:
        del without  # the eyes are not looked at
        if self._detect is not None:
            self._found.append(self._detect(picture))
        self._next += 1
        return self._found[self._next - 1]

    def keep(self) -> None:
        """Keep the found faces for the next run."""
        if self._is_new:
            part = self._kept.with_suffix(".part")
            part.write_bytes(pickle.dumps(self._found))
            part.rename(self._kept)


def _code(*folders: str) -> Iterator[tuple[Path, bytes]]:
    """Yield the files, and their source text, on which detection or enrolment depend."""
    for name in folders:
        for file in sorted((PACKAGE / name).rglob("*.py")):
            yield file, file.read_bytes()


def _contents(path: Path, files: Iterable[Path]) -> Iterator[bytes]:
    for file in files:
        yield file.relative_to(path).as_posix().encode()
        yield file.read_bytes()


def _key(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:20]

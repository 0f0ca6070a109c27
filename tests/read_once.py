"""Tests that look at the same pictures: the networks read each of them once, however often a test looks."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from edge_daemon.app.audit import room_audit
from edge_daemon.vision.interpreter import Array, Model

_MOST = 800
"""Inputs whose outputs are remembered: at most 50 MB, because no output has more than 62 kB."""
_outputs: OrderedDict[tuple[str, bytes], list[Array]] = OrderedDict()


@contextmanager
def each_picture_read_once() -> Iterator[None]:
    """Let audits remember what the networks found in a picture, by its size and pixels."""
    found: dict[bytes, object] = {}
    read = room_audit._faces

    def remembered(detector, picture):
        key = hashlib.sha256(str(picture.shape).encode() + picture.tobytes()).digest()
        if key not in found:
            found[key] = read(detector, picture)
        return found[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room_audit, "_faces", remembered)
        yield


@contextmanager
def each_input_computed_once() -> Iterator[None]:
    """Let networks in this process remember their outputs, by the file and the input.

    Everything around the networks runs as ever: tiles, crops, thresholds, what a room remembers. Not for tests of the
    networks themselves, of their speed or of their threads.
    """
    compute = Model.__call__

    def remembered(self: Model, encoded: Array) -> list[Array]:
        key = (f"{self.runtime} {self.path}", hashlib.sha256(np.ascontiguousarray(encoded)).digest())
        if key not in _outputs:
            _outputs[key] = compute(self, encoded)
            if len(_outputs) > _MOST:
                _outputs.popitem(last=False)
        return [output.copy() for output in _outputs[key]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "__call__", remembered)
        yield

"""Networks that share one place in memory."""

from __future__ import annotations

import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from edge_daemon.errors import ModelError
from edge_daemon.vision.interpreter_pool import PooledInterpreters
from edge_daemon.vision.one_loaded import OneLoaded
from edge_daemon.vision.tiles import Search, Tile
from tests.vision import pictures


class Network:
    pass


def test_a_network_is_released_before_the_next_one_is_loaded():
    place: OneLoaded[Network] = OneLoaded()
    first = weakref.ref(place.get("sweep", Network))
    assert place.get("sweep", Network) is first()

    def load() -> Network:
        assert first() is None
        return Network()

    assert place.get("eyes", load) is place.get("eyes", Network)


def test_the_sweep_s_network_makes_room_for_the_eyes_and_comes_back(model_set, portraits):
    worker = PooledInterpreters(model_set, embed=False, traits=("eyes",))
    picture = pictures.portrait()
    (face, *_) = portraits.faces(picture)
    sweep = weakref.ref(worker._sweep())
    search = Search("sweep", Tile(0.0, 0.0, float(max(picture.shape))))
    before = worker.search(picture, search, 0.2)
    assert worker.reader._traits(picture, face.box, face.keypoints, ("eyes",)).eyes is None
    assert sweep() is not None
    assert worker.reader._traits(picture, face.box, face.keypoints).eyes is not None
    assert sweep() is None
    assert (worker.search(picture, search, 0.2).boxes == before.boxes).all()


def test_the_network_for_close_ups_is_loaded_when_a_picture_needs_it(model_set):
    worker, picture = PooledInterpreters(model_set, embed=False), pictures.portrait()
    tile = Tile(0.0, 0.0, float(max(picture.shape)))
    worker.search(picture, Search("look", tile), 0.2)
    assert worker._close_up is None
    assert len(worker.search(picture, Search("close_up", tile), 0.2)) > 0
    assert worker._close_up is not None


def test_a_network_that_was_swapped_between_two_loads_does_not_run(tmp_path, model_set):
    card = model_set.card("detector_portrait_int8")
    path = shutil.copy(card.path, tmp_path)
    card = replace(card, path=Path(path))
    card.open()
    shutil.copy(model_set.card("detector_portrait_float16").path, path)
    with pytest.raises(ModelError, match="is not the file that was installed"):
        card.open()

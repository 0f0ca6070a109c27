from __future__ import annotations

import pytest

from edge_daemon.vision.face_reader import FaceReader
from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.pipeline import Detector
from edge_daemon.vision.portrait import PortraitReader
from tests.vision import pictures


@pytest.fixture(scope="session")
def model_set():
    return ModelSet.load(default_models_dir())


@pytest.fixture(scope="session")
def detector(model_set):
    return Detector(model_set, threads=1)


@pytest.fixture(scope="session")
def reader(model_set):
    return FaceReader(model_set)


@pytest.fixture(scope="session")
def portraits(model_set):
    return PortraitReader(model_set)


@pytest.fixture(scope="session")
def room():
    """Two people side by side, faces about 60 and 40 px wide."""
    scene = pictures.wall(900, 600)
    scene = pictures.hang(scene, pictures.portrait(pictures.NAMES[0]), 60, 120, 240)
    return pictures.hang(scene, pictures.portrait(pictures.NAMES[1]), 560, 160, 160)

"""The window of a photo day: its content, and that nothing fails without a screen."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from edge_daemon.app.enrolment.picture_window import PictureWindow, annotated
from edge_daemon.types import Box
from tests.gallery.fakes import make_face


def test_a_picture_is_mirrored_framed_and_has_its_word_below():
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:, :20] = 255
    window = annotated(picture, make_face(box=Box(100, 40, 40, 40)), "täken")
    assert window.shape == (540 + 36, 720, 3)
    assert window[:500, -60:].mean() > 200, "left is right in a mirror"
    green = (np.abs(window[:540].astype(int) - (80, 200, 80)).sum(axis=2) < 90).nonzero()
    assert abs(green[1].min() - (160 - 140) * 4.5) < 6
    assert abs(green[0].min() - 40 * 4.5) < 6
    assert (window[540:] > 60).any()
    plain = annotated(picture, None, "no face found")
    assert (np.abs(plain[:540].astype(int) - (80, 200, 80)).sum(axis=2) < 90).sum() == 0


def test_without_a_screen_there_is_no_window_and_no_fault(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with PictureWindow() as window:
        assert not window.is_open
        window.show(np.zeros((60, 60, 3), np.uint8), None, "x")


@pytest.mark.skipif(
    re.search(r"GUI:\s+NONE", cv2.getBuildInformation()) is None,
    reason="this OpenCV has windows, and ends the process without a display",
)
def test_an_opencv_without_windows_is_no_fault_either(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":99")
    with PictureWindow() as window:
        assert not window.is_open
        window.show(np.zeros((60, 60, 3), np.uint8), None, "x")

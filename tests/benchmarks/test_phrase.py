from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
import zipfile

import cv2
import numpy as np
import pytest

from benchmarks import phrase, phrase_rates
from benchmarks.phrase_trials import KINDS
from tests.benchmarks.running import run
from tests.checkin.mouths import WORDS, clip

REPETITIONS = 10


def folder(path, speakers, *, zipped=False):
    """Two phrases and two words of some speakers, in the form of the crops of MIRACL-VC1."""
    path.mkdir()
    rows = ["clip,speaker,phrase,repetition,frames"]
    for speaker in speakers:
        for name, word in zip(("p01", "p02", "w01", "w02"), WORDS, strict=True):
            for take in range(1, REPETITIONS + 1):
                frames = clip(word, speaker=speaker, take=take, frames=8)
                title = f"S{speaker}_{name}_r{take:02}"
                rows.append(f"{title},S{speaker},{name},{take:02},{len(frames)}")
                (path / "clips" / title).mkdir(parents=True)
                for number, frame in enumerate(frames, 1):
                    cv2.imwrite(str(path / "clips" / title / f"{number:03}.jpg"), frame)
    (path / "clips.csv").write_text("\n".join(rows) + "\n")
    if zipped:
        with zipfile.ZipFile(path / "clips.zip", "w") as archive:
            for file in sorted((path / "clips").rglob("*.jpg")):
                archive.write(file, str(file.relative_to(path / "clips")))
        shutil.rmtree(path / "clips")
    return path


def test_keys_counts_and_pictures(tmp_path, monkeypatch):
    data, others = folder(tmp_path / "a", (0, 1), zipped=True), folder(tmp_path / "b", (2, 3))
    out, roc, confusion = tmp_path / "out.json", tmp_path / "roc.svg", tmp_path / "confusion.svg"
    arguments = ("--data", data, "--threshold-from", others, "--json", out, "--roc", roc, "--confusion", confusion)
    assert run(monkeypatch, phrase, *arguments) == 0
    found = json.loads(out.read_text())
    for one in found["sets"].values():
        assert set(one["enrol"]) == {"5", "7", "9"}
        for enrolled, result in one["enrol"].items():
            tried = REPETITIONS - int(enrolled)
            # Two speakers with two phrases, enrolled ten times; ten clips of the other phrase, ten or twenty others.
            assert [result[name]["n"] for name in KINDS[:4]] == [40 * tried, 400, 400, 400]
            assert 0 <= result["eer"] <= 1
            assert 0.5 < result["auc"] <= 1
        assert set(one["attacks"]) == {"still", "reversed", "mean_swapped"}
        assert all(rate["n"] == 40 for rate in one["attacks"].values())
        assert one["attacks"]["still"]["rate"] == 1
        assert one["enrol"]["9"]["other_other"]["rate"] > 0.9
        assert one["static_control"]["enrol"]["9"]["eer"] == one["static_control"]["eer"]
        assert one["over_speakers"]["speakers"] == 2
    assert found["threshold_speakers"] == ["S2", "S3"]
    assert found["enrol_cpu_s"] < 2
    assert found["verify_cpu_s"] < 0.5
    lines = ET.parse(roc).getroot().findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2 * 3
    cells = ET.parse(confusion).getroot().findall("{http://www.w3.org/2000/svg}rect")
    assert len(cells) == 1 + 2 * 2 * len(KINDS)


def test_without_other_speakers_the_threshold_is_from_the_rest(tmp_path):
    class Scores:
        picture = movement = np.array([0.0, 1, 2, 3, 10, 11, 12, 13], np.float32)

    class Trials:
        scores = Scores
        kind = np.zeros(8, np.intp)
        speaker = np.array([0, 0, 0, 0, 1, 1, 1, 1])

    limits = phrase_rates.thresholds("movement_only", Trials, None)
    assert limits[0] == pytest.approx(10, abs=0.2)  # nearly all clips of the other speaker pass
    assert limits[-1] == pytest.approx(0, abs=0.2)


def test_error_rates_by_hand():
    own, impostors = np.float32([4, 3, 2, 0]), np.float32([3.5, 1, -1, -2])
    assert phrase_rates.area(own, impostors) == pytest.approx(12 / 16)
    assert phrase_rates.equal_error_rate(own, impostors) == pytest.approx(0.25)
    assert phrase_rates.equal_error_rate(own + 9, impostors) == 0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: shutil.rmtree(data / "clips"), "clips.zip can't be read"),
        (lambda data: (data / "clips" / "S0_p01_r01" / "001.jpg").write_bytes(b"no picture"), "can't be read"),
        (lambda data: shutil.rmtree(data / "clips" / "S0_p01_r01"), "has 0 frames"),
        (lambda data: (data / "clips.csv").write_text("clip,speaker\n"), "no column phrase, repetition"),
    ],
)
def test_other_data_is_one_line(tmp_path, monkeypatch, capsys, spoil, message):
    data = folder(tmp_path / "a", (0,))
    spoil(data)
    assert run(monkeypatch, phrase, "--data", data, "--json", tmp_path / "out.json") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error


def test_the_threshold_is_never_from_the_examined_speakers(tmp_path, monkeypatch, capsys):
    data = folder(tmp_path / "a", (0,))
    arguments = ("--data", data, "--threshold-from", data, "--json", tmp_path / "out.json")
    assert run(monkeypatch, phrase, *arguments) == 2
    assert "speaker S0 is in --data, too" in capsys.readouterr().err

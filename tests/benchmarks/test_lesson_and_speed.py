from __future__ import annotations

import json

import pytest

from benchmarks import lesson, lesson_replay, speed, speed_threads
from tests.benchmarks import folders
from tests.benchmarks.running import run


@pytest.fixture(scope="module")
def lesson_folder(tmp_path_factory):
    return folders.lesson(tmp_path_factory.mktemp("lessons") / "one")


@pytest.fixture(scope="module")
def results():
    """Results of the program by lesson and settings."""
    return {}


@pytest.fixture
def lesson_run_once(results, monkeypatch):
    """Let both benchmarks share one run of the program on this lesson."""
    run_lesson = lesson.run_lesson

    def remembered(*asked):
        if asked not in results:
            results[asked] = run_lesson(*asked)
        return results[asked]

    monkeypatch.setattr(lesson, "run_lesson", remembered)


@pytest.mark.usefixtures("lesson_run_once")
def test_lessons_of_a_folder_are_run_by_the_program_and_pooled(lesson_folder, tmp_path, monkeypatch):
    out = tmp_path / "out.json"
    assert run(monkeypatch, lesson, "--data", lesson_folder.parent, "--json", out) == 0
    found = json.loads(out.read_text())
    assert found["lessons"] == ["one"]
    assert (found["verdicts_right"]["hits"], found["verdicts_right"]["n"]) == (2, 2)
    assert (found["found"]["all"]["hits"], found["found"]["all"]["n"]) == (8, 8)
    assert (found["right_name"]["60+"]["hits"], found["right_name"]["60+"]["n"]) == (4, 4)
    assert found["strangers_and_posters_named"]["hits"] == 0
    assert found["false_boxes"] == 0
    assert found["mistakes"] == []
    assert 50 < found["peak_pss_mib"]["rehearse"] <= found["peak_rss_mib"]["rehearse"]


def test_a_replay_gives_what_the_program_gives_without_looking_again(lesson_folder, tmp_path, monkeypatch):
    results = []
    for _ in range(2):
        out = tmp_path / "out.json"
        assert run(monkeypatch, lesson, "--data", lesson_folder, "--json", out, "--cache", tmp_path / "cache") == 0
        results.append(json.loads(out.read_text()))
        monkeypatch.setattr(lesson_replay, "Detector", None)  # the second time nothing is looked for
        monkeypatch.setattr(lesson, "edge_daemon", None)  # and nobody enrolled
    for found in results:
        assert (found["verdicts_right"]["hits"], found["right_name"]["60+"]["hits"]) == (2, 4)
        assert found["seconds_per_capture"]["mean"] is None


@pytest.mark.usefixtures("lesson_run_once")
def test_the_program_is_timed_in_processes_of_its_own_and_absent_peers_are_named(lesson_folder, tmp_path, monkeypatch):
    out = tmp_path / "out.json"
    options = ("--captures", 2, "--rounds", 1, "--hall", lesson_folder)
    monkeypatch.setattr(speed_threads, "ROUNDS", 1)
    assert run(monkeypatch, speed, "--data", lesson_folder, "--json", out, *options) == 0
    found = json.loads(out.read_text())
    assert found["skipped"] == ["yunet_and_float32", "face_recognition"]
    assert found["contenders"]["program"]["captures"] == found["contenders"]["sweep"]["captures"] == 2
    assert found["contenders"]["sweep"]["peak_pss_mib"] > 50
    assert found["picture_pixels"] == 800 * 480
    assert 0.2 < found["ratios"]["wall"]["threads_2_1"] < 5
    assert (found["hall"]["verdicts_right"]["hits"], found["hall"]["students"]) == (2, 2)
    assert found["hall"]["cpu_seconds_a_capture"] > 0
    assert found["models"]["mobilefacenet-float32"] == {
        "ms": pytest.approx(found["models"]["mobilefacenet-float32"]["ms"]),
        "ratio": 1.0,
    }


@pytest.mark.parametrize("module", [lesson, speed])
def test_a_folder_that_is_no_lesson_is_one_line_and_exit_2(tmp_path, monkeypatch, capsys, module):
    assert run(monkeypatch, module, "--data", tmp_path, "--json", tmp_path / "out.json") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(tmp_path) in error


def test_an_incomplete_lesson_is_refused(lesson_folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "truth.csv").write_bytes((lesson_folder / "truth.csv").read_bytes())
    assert run(monkeypatch, lesson, "--data", tmp_path, "--json", tmp_path / "out.json") == 2
    assert "not complete" in capsys.readouterr().err

"""`doctor` on sound and on broken installations."""

from __future__ import annotations

import json
import shutil

from edge_daemon.vision.models import default_models_dir
from tests.cli.running import run


def _states(told: str) -> dict[str, str]:
    return {check["name"]: check["state"] for check in json.loads(told)}


def test_an_empty_home_is_sound_but_nobody_is_enrolled(tmp_path):
    done = run(tmp_path, "doctor", "--json")
    assert done.exit_code == 0
    states = _states(done.stdout)
    assert states.pop("gallery") == "warning"
    assert states.pop("embedder") in {"good", "warning"}
    assert set(states.values()) == {"good"}
    assert set(states) == {"settings", "models", "registers", "disk"}


def test_it_times_every_embedder_and_says_which_is_used(tmp_path):
    done = run(tmp_path, "doctor")
    (line,) = [line for line in done.stdout.splitlines() if "embedder:" in line]
    assert " is used; a face takes: " in line
    assert "float16" in line
    assert "float32" in line


def test_a_changed_model_is_bad_and_the_exit_code_says_so(tmp_path):
    models = tmp_path / "models"
    shutil.copytree(default_models_dir(), models, ignore=shutil.ignore_patterns("build"))
    file = models / "mobilefacenet_float16.tflite"
    data = bytearray(file.read_bytes())
    data[1000] ^= 1
    file.write_bytes(data)
    (tmp_path / "config.toml").write_text(f'[models]\ndir = "{models}"\n')
    done = run(tmp_path, "doctor")
    assert done.exit_code == 1
    assert "bad     models: " in done.stdout
    assert "mobilefacenet_float16.tflite" in done.stdout


def test_wrong_settings_are_one_finding_of_many(tmp_path):
    (tmp_path / "config.toml").write_text("[rule]\nshare = 2\n")
    done = run(tmp_path, "doctor", "--json")
    assert done.exit_code == 1
    assert _states(done.stdout)["settings"] == "bad"
    assert _states(done.stdout)["disk"] == "good"


def test_a_precision_that_is_set_is_used(tmp_path):
    (tmp_path / "config.toml").write_text('[models]\nembedder = "float32"\n')
    assert "float32 is used" in run(tmp_path, "doctor").stdout

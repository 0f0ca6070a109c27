"""`doctor` with the keys accepts the findings of the process with the network only in their fixed format."""

from __future__ import annotations

import json

import pytest

from edge_daemon.app.health.network_findings import handed_over
from edge_daemon.device.check import Check
from tests.cli.running import run


@pytest.fixture
def credentials(tmp_path, monkeypatch):
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


def test_without_such_a_process_doctor_looks_itself(monkeypatch, credentials):
    assert handed_over("mail") is None
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert handed_over("mail") is None


def test_findings_of_the_network_process_are_taken_over(credentials):
    rows = [{"name": "mail", "state": "bad", "found": "no answer", "advice": "plug it in"}]
    (credentials / "network-checks").write_text(json.dumps(rows))
    assert handed_over("mail") == Check("mail", "bad", "no answer", "plug it in")
    assert handed_over("upstream") == Check(
        "upstream", "not checked", "the process with the network ended without an answer"
    )


@pytest.mark.parametrize(
    "given",
    [
        b"", b"{}", b"[[[", b"[" * 100_000, b"\xff", b'["mail"]', b'[{"name": "mail"}]',
        b'[{"name": "mail", "state": "fine"}]', b'[{"name": {}, "state": []}]',
        b'[{"name": "device key", "state": "good", "found": "x"}]',
    ],
)  # fmt: skip
def test_findings_in_another_form_count_as_no_answer(credentials, given):
    (credentials / "network-checks").write_bytes(given)
    found = handed_over("mail")
    assert found is not None
    assert found.state == "not checked"
    assert handed_over("network") is not None


def test_texts_of_the_network_process_are_cut_to_one_line(credentials):
    rows = [{"name": "mail", "state": "good", "found": "a\nTO DO\x1b[2J\u202eb" + "x" * 5000, "advice": 7}]
    (credentials / "network-checks").write_text(json.dumps(rows))
    found = handed_over("mail")
    assert found is not None
    assert found.found.startswith("a TO DO [2J b")
    assert len(found.found) == 1000
    assert found.advice == "7"


def test_the_part_with_the_network_makes_three_checks_and_opens_nothing(tmp_path):
    result = run(tmp_path, "doctor", "--network", "--json")
    assert [one["name"] for one in json.loads(result.stdout)] == ["mail", "upstream", "network"]
    assert not list(tmp_path.iterdir())

"""The oracle of the fault trial finds what is planted: losses, doubles, changes, false receipts."""

from __future__ import annotations

import json

import pytest

from tests.slow.delivery_oracle import Mail, Oracle, sha256

FIRST = "v1/devices/room 204/registers/L1/1.json"
SECOND = "v1/devices/room 204/registers/L2/1.json"
TO, ABOUT = "office@school.example", "2026-11-20 08:00"


class Office:
    """Stores as the office's server does, journal and all."""

    def __init__(self, folder):
        self.folder = folder

    def put(self, path, body, stored="new"):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
        line = {"path": path, "sha256": sha256(body), "stored": stored}
        with (self.folder / ".journal.jsonl").open("a") as journal:
            journal.write(json.dumps(line) + "\n")


@pytest.fixture
def office(tmp_path):
    return Office(tmp_path)


@pytest.fixture
def oracle(tmp_path):
    oracle = Oracle(tmp_path)
    oracle.was_made(FIRST, b"one")
    oracle.was_made(SECOND, b"two")
    oracle.mails[TO, ABOUT] = ["id-1"]
    return oracle


def a_mail(message_id="id-1", about=ABOUT, content="x", to=TO):
    return Mail(to, message_id, about, content)


def counts(findings):
    return {name: count for name, count in findings.counts().items() if count}


def test_all_is_well_where_everything_is_there_once(office, oracle):
    office.put(FIRST, b"one")
    office.put(SECOND, b"two")
    assert not oracle.at_any_time([FIRST, SECOND])
    assert not oracle.at_the_end([a_mail()])


def test_a_repeat_without_effect_is_no_fault_but_counted(office, oracle):
    office.put(FIRST, b"one")
    office.put(FIRST, b"one", "same")
    office.put(SECOND, b"two")
    assert not oracle.at_the_end([a_mail(), a_mail()])
    assert oracle.repeats() == 1


def test_a_register_that_never_came_is_lost_at_the_end_and_not_before(office, oracle):
    office.put(FIRST, b"one")
    assert not oracle.at_any_time([FIRST])
    assert counts(oracle.at_the_end([a_mail()])) == {"lost": 1}


def test_a_register_that_came_and_is_gone_is_lost(office, oracle):
    office.put(FIRST, b"one")
    office.put(SECOND, b"two")
    (office.folder / SECOND).unlink()
    assert counts(oracle.at_the_end([a_mail()])) == {"lost": 1}


def test_a_receipt_for_what_is_not_there_is_found_at_once(office, oracle):
    office.put(FIRST, b"one")
    assert counts(oracle.at_any_time([FIRST, SECOND])) == {"false_receipts": 1}


def test_other_bytes_than_were_made_are_found(office, oracle):
    office.put(FIRST, b"one!")
    assert counts(oracle.at_any_time([])) == {"changed": 1}


def test_a_document_that_was_overwritten_is_found_though_the_last_word_is_right(office, oracle):
    office.put(FIRST, b"half")
    office.put(FIRST, b"one", "changed")
    assert counts(oracle.at_any_time([]))["changed"] >= 1


def test_a_change_behind_the_servers_back_is_found_at_the_end(office, oracle):
    office.put(FIRST, b"one")
    office.put(SECOND, b"two")
    (office.folder / FIRST).write_bytes(b"other")
    assert counts(oracle.at_the_end([a_mail()])) == {"changed": 1}


def test_a_register_under_a_second_path_is_doubled(office, oracle):
    office.put(FIRST, b"one")
    office.put(SECOND, b"two")
    office.put(FIRST.replace("/1.json", "/2.json"), b"one")
    assert counts(oracle.at_the_end([a_mail()]))["doubled"] >= 1


def test_a_mail_that_never_came_is_lost(office, oracle):
    office.put(FIRST, b"one")
    office.put(SECOND, b"two")
    assert counts(oracle.at_the_end([])) == {"lost": 1}


def test_a_mail_under_a_second_message_id_is_doubled(oracle):
    assert counts(oracle.mail([a_mail(), a_mail("id-2")], at_the_end=False)) == {"doubled": 1}


def test_a_mail_that_was_not_expected_counts_as_doubled(oracle):
    assert counts(oracle.mail([a_mail(about="2026-11-21 08:00")], at_the_end=False)) == {"doubled": 1}
    assert counts(oracle.mail([a_mail(to="somebody@else.example")], at_the_end=False)) == {"doubled": 1}


def test_a_repeat_that_says_something_else_is_changed(oracle):
    assert counts(oracle.mail([a_mail(), a_mail(content="y")], at_the_end=False)) == {"changed": 1}


def test_of_a_corrected_register_the_newest_mail_is_the_one_that_counts(oracle):
    oracle.mails[TO, ABOUT] = ["id-1", "id-2"]
    assert not oracle.mail([a_mail("id-2")], at_the_end=True)
    assert not oracle.mail([a_mail("id-1"), a_mail("id-2")], at_the_end=True)
    assert counts(oracle.mail([a_mail("id-1")], at_the_end=True)) == {"lost": 1}


def test_the_journal_is_read_on_from_where_it_was(office, oracle):
    office.put(FIRST, b"one")
    oracle.at_any_time([])
    office.put(SECOND, b"other")
    assert counts(oracle.at_any_time([])) == {"changed": 1}
    assert oracle.repeats() == 0

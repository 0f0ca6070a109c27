"""The service has the office's documents applied: by a worker, between lessons, and never during one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from edge_daemon.store.daily_events import events
from edge_daemon.store.database import open_gallery
from edge_daemon.store.gallery import student_rows, template_counts
from edge_daemon.store.pulled import pulled_document
from tests.simulated_device import MONDAY, Device, captures_taken

LESSON_START = MONDAY + timedelta(hours=1)


def put(device: Device, name: str, **content: object) -> None:
    inbox = device.home.state_dir / "inbox"
    inbox.mkdir(exist_ok=True)
    part = inbox / f".{name}.part"
    part.write_text(json.dumps({"schema": 1, **content}))
    part.replace(inbox / name)


def withdraw(device: Device, *student_ids: str) -> None:
    put(device, "withdrawals.json", withdrawals=[{"student_id": i} for i in student_ids])


def event_times(device: Device, word: str) -> list[datetime]:
    found = events(device.db, MONDAY - timedelta(days=1), MONDAY + timedelta(days=9))
    return [one.at for one in found if one.event == word]


def enrolled(device: Device) -> dict[str, int]:
    return template_counts(open_gallery(device.home.gallery_db_path))


def test_a_document_is_applied_before_a_lesson_and_one_that_arrives_in_it_afterwards(device):
    assert {"S1", "S2"} <= set(enrolled(device))
    withdraw(device, "S1")
    device.start()
    device.until(lambda: device.home.register_db_path.exists() and len(event_times(device, "document applied")) == 1)
    assert event_times(device, "document applied")[0] < LESSON_START - timedelta(minutes=3)
    device.until(lambda: len(captures_taken(device)) >= 1)
    withdraw(device, "S2")
    device.until(lambda: len(event_times(device, "document applied")) == 2)
    document = device.documents()[0]  # it is there: the lesson is over when its last picture has been judged
    assert event_times(device, "document applied")[1] >= max(capture.taken_at for capture in captures_taken(device))
    assert document["captures_taken"] == 4
    verdicts = {s["student_id"]: s["verdict"] for s in document["students"]}
    assert (verdicts["S1"], verdicts["S2"]) == ("not_assessed", "present"), "the register is of its own time"
    assert not {"S1", "S2"} & set(enrolled(device))
    assert "S1" not in device.stop()


def test_a_broken_document_holds_nothing_up_and_a_correction_becomes_a_revision_by_itself(device):
    put(device, "withdrawals.json", withdrawals="all")
    device.start()
    device.until(lambda: device.home.register_db_path.exists() and bool(event_times(device, "document refused")))
    device.until(lambda: len(device.documents()) == 1)
    assert "a list was expected" in pulled_document(device.db, "withdrawals.json").problem
    assert not list((device.home.state_dir / "inbox").iterdir())
    assert all(row.consent for row in student_rows(open_gallery(device.home.gallery_db_path)) if row.student_id == "S1")
    lesson_id = device.documents()[0]["lesson_id"]
    at = device.documents()[0]["start"]  # the end may be to come: a lesson is finalised after its last capture
    one = {"id": "1", "lesson_id": lesson_id, "student_id": "S1", "verdict": "absent"}
    put(device, "corrections.json", corrections=[{**one, "by": "Ms Weber", "reason": "left for the choir", "at": at}])
    device.until(lambda: device.documents()[0]["revision"] == 2)
    corrected = device.documents()[0]
    assert corrected["corrections"][0]["by"] == "Ms Weber"
    assert corrected["signature"]
    device.stop()

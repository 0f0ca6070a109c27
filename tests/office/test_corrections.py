"""From the page to the device and back: a decision becomes a signed revision, and the page shows how far it is."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import count

import pytest

from edge_daemon.app.inbox.corrections import apply_corrections
from edge_daemon.attendance.document import from_json
from edge_daemon.delivery import document_paths
from edge_daemon.delivery.office_documents import CORRECTIONS, parse_corrections
from edge_daemon.device.signing import is_signed_by
from edge_daemon.store import registers
from edge_daemon.store.database import open_register
from edge_daemon_office.decisions.lists import publish
from edge_daemon_office.decisions.models import Decision, Publication
from edge_daemon_office.decisions.office_key import office_signer
from edge_daemon_office.ingest.keys import pin
from edge_daemon_office.ingest.run import ingest
from edge_daemon_office.registers.models import Lesson
from tests.office.browser import an_account, signed_in
from tests.office_tree import OfficeRoom
from tests.registers import SIGNER, a_lesson, a_register, keep

NAMES = (f"account {number}" for number in count())


def now() -> datetime:
    """Return the time of the call, because a suite may run this test long after it was collected."""
    return datetime.now(timezone.utc).replace(microsecond=0)


class Device:
    """The real register database of a device, whose documents lie in the school's tree."""

    def __init__(self, school, folder) -> None:
        self.school, self.db = school, open_register(folder / "register.sqlite")
        self.room = OfficeRoom(school.tree, "room 204", with_key=False)
        pin(school.keys, "room 204", SIGNER.public_key)
        self.lesson_id = a_lesson().lesson_id
        keep(self.db, *a_register(a_lesson(), {"S1": 0.9, "S2": 0.0, "S3": 0.0}))

    @property
    def path(self):
        return self.school.tree / document_paths.for_device("room 204", CORRECTIONS)

    def deliver(self) -> None:
        """Deliver every revision, and ingest."""
        for stored in registers.revisions(self.db, self.lesson_id):
            self.room.put(document_paths.register("room 204", self.lesson_id, stored.revision), stored.document)
        ingest(self.school, now())

    def apply(self) -> str:
        """Put the office's list into force, and report it in the heartbeat; return the corrections that failed."""
        data = self.path.read_bytes()
        wanted = parse_corrections(data, "room 204", now())
        result = apply_corrections(self.db, wanted, SIGNER, lambda *_: None, now())
        sha256 = hashlib.sha256(data).hexdigest()
        pulled = {"fetched": None, "applied": None, "applied_sha256": sha256, "problem": result.problem}
        self.room.heartbeat(now(), pulled={CORRECTIONS: pulled})
        ingest(self.school, now())
        return result.problem


@pytest.fixture
def device(office, tmp_path):
    device = Device(office.schools["north"], tmp_path)
    with closing(device.db.conn):
        device.deliver()
        yield device


def post(role: str, device: Device, **fields: str):
    account = an_account(
        role, courses=("7b",) if role == "teacher" else (), username=f"{role}-{len(fields)}-{id(fields)}"
    )
    revision = Lesson.objects.get().revision
    return signed_in(account).post(f"/north/lessons/{device.lesson_id}/", {"revision": str(revision), **fields})


def lesson_page(device: Device) -> str:
    return (
        signed_in(an_account("head", username=f"h{id(object())}"))
        .get(f"/north/lessons/{device.lesson_id}/")
        .content.decode()
    )


def test_the_whole_loop(device):
    answer = post("teacher", device, **{"verdict:S2": "present", "reason:S2": "", "verdict:S3": ""})
    assert answer.status_code == 302
    assert "waits for the device" in lesson_page(device)
    entry = json.loads(device.path.read_text("utf-8"))["corrections"][0]
    assert (entry["student_id"], entry["verdict"], entry["by"]) == ("S2", "present", "teacher of north")
    assert entry["reason"] == "not_recognised"
    assert device.apply() == ""
    assert "signed by the device" in lesson_page(device)
    device.deliver()
    assert "in the register" in lesson_page(device)
    register = from_json(registers.latest(device.db, device.lesson_id).document).register
    assert [(one.student_id, one.reason_code) for one in register.corrections] == [("S2", "not_recognised")]
    assert (Lesson.objects.get().revision, Lesson.objects.get().present) == (2, 2)
    device.apply()  # a list that comes again
    device.deliver()
    assert Lesson.objects.get().revision == 2


def test_a_lesson_that_was_not_held_and_then_held(device):
    post("office", device, confirm="not_held")
    device.apply()
    device.deliver()
    assert (Lesson.objects.get().held, Lesson.objects.get().is_counted) == (False, False)
    refused = post("office", device, **{"verdict:S1": "absent", "reason:S1": "not_there"})
    assert (refused.status_code, Decision.objects.count()) == (409, 1)
    post("teacher", device, confirm="held")
    device.apply()
    device.deliver()
    assert Lesson.objects.get().held is True


def test_corrections_that_the_device_could_not_make_are_shown(office, device):
    Decision.objects.create(
        school="north",
        decision_id="7-x",
        number=7,
        device="room 204",
        lesson_id=device.lesson_id,
        student_id="nobody",
        verdict="present",
        reason_code="other",
        by="x",
        account="x",
        at=now() - timedelta(minutes=1),
    )
    assert publish(office, device.school) == []
    assert "7-x" in device.apply()
    assert "not done by the device" in lesson_page(device)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"verdict:S2": "here", "reason:S2": "other"},
        {"verdict:S2": "present", "reason:S2": "ill"},
        {"confirm": "maybe"},
        {"verdict:S2": "present", "reason:S2": "other", "revision": "7"},
    ],
)
def test_a_form_that_is_wrong_or_of_an_older_revision_saves_nothing(device, fields):
    assert post("teacher", device, **fields).status_code == 409
    assert Decision.objects.count() == 0
    assert not device.path.exists()


def test_an_account_corrects_no_student_of_another_register_and_the_head_corrects_none(device):
    assert post("office", device, **{"verdict:S9": "present", "reason:S9": "other"}).status_code == 404
    for role in ("head", "technician", "dpo"):
        assert post(role, device, **{"verdict:S2": "present", "reason:S2": "other"}).status_code == 404
    other = an_account("teacher", courses=("8a",))
    assert signed_in(other).post(f"/north/lessons/{device.lesson_id}/", {"confirm": "held"}).status_code == 404
    assert Decision.objects.count() == 0


def test_the_list_is_signed_by_the_office_key_which_stays(office, device):
    post("teacher", device, confirm="held")
    fields = json.loads(device.path.read_text("utf-8"))
    assert is_signed_by(fields, office_signer(office).public_key)
    assert (office.folder / "office-key").stat().st_mode & 0o077 == 0
    assert fields["device"] == "room 204"


def test_a_list_of_another_author_is_left_alone_and_named(office, device):
    device.path.write_text('{"schema": 1, "corrections": []}', "utf-8")
    assert post("teacher", device, confirm="held").status_code == 302
    assert device.path.read_text("utf-8") == '{"schema": 1, "corrections": []}'
    assert "was written by somebody else" in publish(office, device.school)[0]
    device.path.unlink()
    assert publish(office, device.school) == []
    assert json.loads(device.path.read_text("utf-8"))["corrections"][0]["confirm"] == "held"
    Publication.objects.all().delete()  # as after a restored backup: the list there is ours by its key
    assert publish(office, device.school) == []


def test_a_list_can_not_be_written_and_is_the_next_time(office, device):
    folder = device.path.parent
    folder.rename(folder.with_name("away"))
    folder.write_text("no folder", "utf-8")
    post("teacher", device, confirm="held")
    assert "can't be written" in publish(office, device.school)[0]
    folder.unlink()
    folder.with_name("away").rename(folder)
    assert publish(office, device.school) == []
    assert device.apply() == ""

"""What stays after a removal, as PRIVACY.md says: the signed registers, with one bit for each picture."""

from __future__ import annotations

import json
from contextlib import closing

from edge_daemon.app.erasure.removal import remove_students
from edge_daemon.attendance.proof import prove_register
from edge_daemon.device.secrets import device_key
from edge_daemon.device.signing import Signer
from edge_daemon.store import lessons
from edge_daemon.store.database import open_register
from edge_daemon.store.registers import latest
from tests.app.erasure.room import LATER, NOW, Room
from tests.registers import a_lesson, a_register, keep

LESSON = a_lesson(NOW)


def test_the_capture_bits_of_signed_registers_stay_after_a_removal(tmp_path):
    room = Room(tmp_path / "home", tmp_path / "office")
    room.enrol(sighted=False)
    signer = Signer(device_key(room.home.key_path))
    db = open_register(room.home.register_db_path)
    with closing(db.conn):
        document = keep(db, *a_register(LESSON, {"S1": 0.6, "S2": 0.9}), signer)
        remove_students(room.home, ["S1"], LATER)
        stored = latest(db, LESSON.lesson_id)
        assert stored is not None
        assert stored.document == document, "not one byte of it changed"
        assert prove_register(stored.document, signer.public_key).is_signed
        (row,) = (one for one in json.loads(stored.document)["students"] if one["student_id"] == "S1")
        assert int(row["captures"]["seen"], 16) != 0
        assert int(row["captures"]["facing"], 16) != 0
        assert {one.student_id for one in lessons.sightings(db, LESSON.lesson_id)} == {"S2"}, "the sightings went"

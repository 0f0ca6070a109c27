from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from edge_daemon.app.checkin import session as module
from edge_daemon.app.checkin.clips import ReadClip
from edge_daemon.app.checkin.session import MOST_FAILURES, CheckinSession
from edge_daemon.checkin.mouth_features import mouth_movement
from edge_daemon.errors import GalleryError
from edge_daemon.gallery import phrases
from edge_daemon.gallery.roster import read_roster
from edge_daemon.gallery.roster_import import import_roster
from edge_daemon.gallery.templates import EmbedderId, GalleryStore
from edge_daemon.gallery.withdrawals import withdraw
from edge_daemon.store.check_ins import first_check_ins
from edge_daemon.store.database import open_gallery, open_register
from tests.checkin.mouths import WORDS, clip
from tests.gallery.conftest import DEVICE_KEY

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=timezone.utc)
EMBEDDER = EmbedderId("ab" * 32, 2)


class Frames:
    """Replaces the networks: clips of drawn mouths, each with its speaker's face."""

    def read(self, pictures) -> ReadClip:
        frames, speaker = pictures
        face = np.eye(192, dtype=np.float32)[speaker]
        return ReadClip(mouth_movement(frames), face, "" if len(frames) > 7 else "too short; say the whole phrase")


def says(word=WORDS[0], take=0, speaker=0):
    return clip(word, speaker=speaker, take=take), speaker


@pytest.fixture
def gallery(tmp_path):
    db = open_gallery(tmp_path / "gallery.sqlite")
    with closing(db.conn):
        yield GalleryStore(db, DEVICE_KEY)


def roster(store, tmp_path, *rows):
    path = tmp_path / "roster.csv"
    path.write_text("student_id,name,email,guardian_email,consent,checkin_consent\n" + "".join(f"{r}\n" for r in rows))
    import_roster(read_roster(path).rows, None, store, NOW)


@pytest.fixture
def session(gallery, tmp_path):
    roster(gallery, tmp_path, "S1,Ann,,,yes,yes", "S2,Bo,,,yes,", "S3,Cy,,,no,yes")
    register_db = open_register(tmp_path / "register.sqlite")
    session = CheckinSession(gallery, register_db, Frames(), EMBEDDER, sleep=lambda seconds: waits.append(seconds))
    waits: list[float] = []
    session.waits = waits  # type: ignore[attr-defined]
    return session


def enrol(session, student_id="S1", takes=range(6)):
    session.begin(student_id)
    for take in takes:
        assert session.add(says(take=take)) == ""
    return session.keep()


def test_the_enrolled_phrase_is_accepted_and_everything_else_is_refused(session):
    assert enrol(session) == 6
    answer = session.verify("S1", says(take=30))
    assert answer.accepted
    for wrong in (says(WORDS[1]), says(speaker=4), says("00000000"), ([*reversed(says()[0])], 0)):
        assert not session.verify("S1", wrong).accepted
    for student_id in ("S2", "S3", "nobody"):
        assert not session.verify(student_id, says()).accepted
    begin, end = answer.at - timedelta(hours=1), answer.at + timedelta(hours=1)
    assert first_check_ins(session._register_db, begin, end) == {"S1": answer.at}


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), GalleryError("made with another face model", "gallery", "")]
)
def test_the_face_of_an_accepted_student_is_kept_for_the_lesson_and_no_other(session, error):
    class Door:
        def keep(self, student_id, vector, at):
            students_kept.append(student_id)
            raise error

    students_kept: list[str] = []
    session._door = Door()
    enrol(session)
    assert not session.verify("S1", says(WORDS[1])).accepted
    assert students_kept == []
    assert session.verify("S1", says(take=30)).accepted  # also where the face can't be students_kept
    assert students_kept == ["S1"]


def test_every_answer_comes_at_the_same_time_and_says_only_yes_or_no(session, monkeypatch):
    enrol(session)
    clock = iter(np.arange(0, 100, 0.25))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    answers = [session.verify(one, clip_) for one in ("S1", "S2", "nobody") for clip_ in (says(), says(WORDS[1]))]
    assert {(type(one.accepted), one.at.microsecond) for one in answers} == {(bool, 0)}
    # Two readings of the clock in each: what was worked on in between is taken off the wait.
    assert session.waits == [pytest.approx(module.ANSWER_S - 0.25)] * 6


def test_attempts_are_limited_also_for_the_right_phrase(session):
    enrol(session)
    for _ in range(MOST_FAILURES):
        assert not session.verify("S1", says(WORDS[1])).accepted
    assert not session.verify("S1", says()).accepted
    session._store.db.execute("UPDATE phrase_failures SET at_utc = '2020-01-01T00:00:00.000000Z'")
    assert session.verify("S1", says()).accepted


def test_a_repetition_that_is_not_good_says_why(session):
    session.begin("S1")
    assert "too short" in session.add((clip(WORDS[0])[:5], 0))
    for take in range(4):
        assert session.add(says(take=take)) == ""
    assert "differs from the ones before" in session.add(says(WORDS[2]))
    assert "another face" in session.add((says(take=9)[0], 7))
    with pytest.raises(GalleryError, match="4 of 5 repetitions"):
        session.keep()
    assert session.add(says(take=5)) == ""
    assert session.keep() == 5


@pytest.mark.parametrize("student_id", ["S2", "S3"])
def test_consent_to_the_lesson_is_none_to_the_phrase(session, student_id):
    with pytest.raises(GalleryError, match="no consent to check-in"):
        session.begin(student_id)


def stored(gallery):
    return gallery.db.execute("SELECT student_id, sealed FROM phrases").fetchall()


def test_the_phrase_is_sealed_and_goes_with_its_consent(session, gallery, tmp_path):
    enrol(session)
    (row,) = stored(gallery)
    assert b"edph" not in bytes(row[1])
    roster(gallery, tmp_path, "S1,Ann,,,yes,yes", "S2,Bo,,,yes,")
    assert stored(gallery)
    roster(gallery, tmp_path, "S1,Ann,,,yes,no", "S2,Bo,,,yes,")
    assert stored(gallery) == []


def test_the_phrase_goes_with_a_withdrawal_and_with_the_student(session, gallery, tmp_path):
    enrol(session)
    withdraw(gallery, ["S1"], NOW)
    assert stored(gallery) == []
    roster(gallery, tmp_path, "S1,Ann,,,yes,yes")
    enrol(session)
    gallery.remove("S1", NOW)
    assert stored(gallery) == []


def test_a_phrase_of_another_version_or_another_student_is_refused(session, gallery, tmp_path):
    enrol(session)
    with pytest.raises(GalleryError, match="another version"):
        phrases.open_phrase(gallery, "S1", (99, EMBEDDER))
    roster(gallery, tmp_path, "S1,Ann,,,yes,yes", "S2,Bo,,,yes,yes")
    gallery.db.execute("UPDATE phrases SET student_id = 'S2'")
    with pytest.raises(GalleryError, match="does not open"):
        phrases.open_phrase(gallery, "S2", (1, EMBEDDER))


def test_the_student_sees_what_is_kept(session, gallery):
    assert phrases.phrase_summary(gallery, "S1") is None
    enrol(session)
    summary = phrases.phrase_summary(gallery, "S1")
    assert summary is not None
    assert set(summary) == {"enrolled_at", "version", "sealed_bytes"}

"""Names and addresses reach the mail sender, follow the roster, and disappear with a student."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import datetime, timezone

import pytest

from edge_daemon.app.notices.sealed_contacts import publish_contacts, read_contacts
from edge_daemon.app.upkeep import maintenance
from edge_daemon.errors import KeyFileError
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from tests.cli.running import run

ROSTER = (
    "student_id,name,email,guardian_email,consent,courses\n"
    "S2,Zoë Zander,zoe@school.example,zander@home.example,yes,7b\n"
    "S1,Ada Adler,ada@school.example,,no,7b;8a\n"
)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def enrol(home, text=ROSTER):
    home.ensure_state_dir()
    roster = home.state_dir / "roster.csv"
    roster.write_text(text, encoding="utf-8")
    result = run(home.state_dir, "enrol", "import", str(roster))
    assert result.exit_code == 0
    roster.unlink()
    return result


def contacts(home):
    db = open_register(home.register_db_path)
    try:
        return read_contacts(home, db)
    finally:
        db.conn.close()


def sealed_rows(home):
    db = open_register(home.register_db_path)
    return dict(db.execute("SELECT student_id, sealed FROM contacts").fetchall())


def everything(home):
    return b"".join(path.read_bytes() for path in home.state_dir.rglob("*") if path.is_file())


def test_an_import_hands_them_on_in_the_rosters_order(home):
    enrol(home)
    found = contacts(home)
    assert list(found) == ["S2", "S1"]
    assert (found["S2"].name, found["S2"].email) == ("Zoë Zander", "zoe@school.example")
    assert found["S2"].guardian_email == "zander@home.example"
    assert found["S1"].courses == ("7b", "8a")


def test_names_and_addresses_are_nowhere_in_the_clear(home):
    enrol(home)
    stored_bytes = everything(home)
    for word in (b"Zander", b"zoe@school.example", b"zander@home.example", b"Adler"):
        assert word not in stored_bytes


def test_contacts_of_a_removed_student_vanish_at_once_and_from_the_next_backups(home):
    enrol(home)
    maintenance.back_up(home, datetime.now(timezone.utc))
    sealed = open_register(home.register_db_path).execute("SELECT sealed FROM contacts WHERE student_id='S2'")
    sealed = sealed.fetchone()[0]
    assert run(home.state_dir, "enrol", "remove", "S2", "--yes").exit_code == 0
    assert list(contacts(home)) == ["S1"]
    assert sealed not in everything(home), "in the database, its log, or a copy of it"


def test_contacts_of_a_removed_student_vanish_even_where_the_keys_are_lost(home):
    enrol(home)
    home.contact_key_path.unlink()
    home.key_path.write_bytes(bytes(32))
    result = run(home.state_dir, "enrol", "remove", "S2", "--yes")
    assert result.exit_code == 0
    assert "mail still uses the earlier names and addresses" in result.stderr
    rows = open_register(home.register_db_path).execute("SELECT student_id FROM contacts").fetchall()
    assert rows == [("S1",)]


def test_a_changed_address_is_handed_on_and_what_is_the_same_is_not_written_again(home):
    enrol(home)
    before = {
        r[0]: r[1] for r in open_register(home.register_db_path).execute("SELECT student_id, sealed FROM contacts")
    }
    enrol(home, ROSTER.replace("zander@home.example", "new@home.example"))
    after = {
        r[0]: r[1] for r in open_register(home.register_db_path).execute("SELECT student_id, sealed FROM contacts")
    }
    assert contacts(home)["S2"].guardian_email == "new@home.example"
    assert before["S1"] == after["S1"]
    assert before["S2"] != after["S2"]


def test_without_the_contact_key_nothing_opens_and_a_new_one_seals_again(home):
    enrol(home)
    home.contact_key_path.unlink()
    with pytest.raises(KeyFileError, match="names and mail addresses do not open"):
        contacts(home)
    publish_contacts(home)
    assert len(contacts(home)) == 2


def test_the_device_key_opens_no_contact(home):
    enrol(home)
    shutil.copy(home.key_path, home.contact_key_path)
    with pytest.raises(KeyFileError, match="do not open with this contact key"):
        contacts(home)


def test_a_box_without_a_contact_key_says_so_and_enrols_all_the_same(home, tmp_path, monkeypatch):
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "device-key").write_bytes(bytes(32))
    (folder / "contact-key").write_bytes(b"none")  # what the unit gives where none was made
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    installed = Home(home.state_dir)
    installed.home_mode = False
    enrol(home)  # the key file of --home stands in where the unit has none
    installed.gallery_db_path.parent.mkdir()
    home.gallery_db_path.rename(installed.gallery_db_path)
    with pytest.raises(KeyFileError, match="contact-key"):
        publish_contacts(installed)


def test_without_enrolled_students_no_contacts_are_handed_on(home):
    home.ensure_state_dir()
    publish_contacts(home)
    assert not home.register_db_path.exists()


def test_the_start_of_the_service_hands_them_on_though_there_is_no_camera(home):
    enrol(home)
    change_database(home, "DELETE FROM contacts")
    check(home)
    assert list(contacts(home)) == ["S2", "S1"]


def test_the_start_of_the_service_goes_on_where_they_can_not_be_written(home):
    enrol(home)
    change_database(home, "DROP TABLE contacts")
    completed = check(home)
    assert "contacts not handed on" in completed.stderr
    assert "no_camera" in completed.stdout, "it went on to the models and the camera"


def change_database(home, statement):
    db = open_register(home.register_db_path)
    db.execute(statement)
    db.conn.commit()
    db.conn.close()


def check(home):
    """Run the worker's check; its reports go to stdout."""
    command = (
        sys.executable,
        "-m",
        "edge_daemon.app.service.worker",
        "--report",
        "1",
        "--home",
        str(home.state_dir),
        "check",
    )
    return subprocess.run(command, stdin=subprocess.PIPE, capture_output=True, text=True, timeout=60, check=False)

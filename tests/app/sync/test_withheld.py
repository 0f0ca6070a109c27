"""On an installed device only the unit has the secrets of delivery: a shell's sync reports that and changes nothing."""

from __future__ import annotations

import pytest

from edge_daemon.app.sync.sync_session import SyncSession
from edge_daemon.errors import DeliveryError
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from edge_daemon.store.destinations import destination_state
from tests.office_server import OfficeServer
from tests.sync_device import TOKEN, Clock, a_device, held_registers, made_registers

MAIL = '[mail]\nhost = "127.0.0.1"\nport = 9\nusername = "room"\npassword_file = "{}"\nfrom = "room@school.example"\n'
SAYS = "use `sudo systemctl start edge-daemon-sync.service`, then `attendance status`"


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def server(tmp_path):
    with OfficeServer(tmp_path / "office", certificates=tmp_path / "ca") as server:
        yield server


@pytest.fixture
def home(tmp_path, server) -> Home:
    """An installed device whose token is a credential, as on a card."""
    return installed(a_device(tmp_path / "home", server).state_dir)


def installed(folder) -> Home:
    (folder / "token").unlink()
    settings = (folder / "config.toml").read_text().replace('"token"', '"upstream-token"')
    (folder / "config.toml").write_text(settings)
    home = Home(None)
    home.state_dir, home.config_path = folder, folder / "config.toml"
    home.delivery_dir = folder / "sync"
    return home


def credentials(folder, **secrets: str):
    folder.mkdir()
    for name, text in secrets.items():
        (folder / name.replace("_", "-")).write_text(text)
    return str(folder)


def test_without_credentials_a_shell_names_the_unit_and_the_unit_then_delivers(home, server, tmp_path, monkeypatch):
    clock = Clock()
    with pytest.raises(DeliveryError, match=r"upstream\.token_file") as refused:
        SyncSession(home, now=clock, eager=True).go()
    assert refused.value.hint == SAYS
    assert not (home.delivery_dir / "sync.lock").exists()
    db = open_register(home.register_db_path)
    assert destination_state(db, "upstream").state == "open"
    db.conn.close()
    monkeypatch.setenv(
        "CREDENTIALS_DIRECTORY", credentials(tmp_path / "unit", upstream_token=TOKEN, mail_password="none")
    )
    SyncSession(home, now=clock).go()
    assert held_registers(server) == made_registers(home)


def test_a_shell_with_other_credentials_names_the_unit_too(home, tmp_path, monkeypatch):
    monkeypatch.setenv(
        "CREDENTIALS_DIRECTORY", credentials(tmp_path / "attendance", device_key="k", mail_password="none")
    )
    with pytest.raises(DeliveryError, match=r"upstream\.token_file"):
        SyncSession(home).go()


def test_a_password_of_the_mail_server_is_such_a_credential_too(tmp_path):
    home = installed(a_device(tmp_path / "home", None, more=MAIL.format("mail-password")).state_dir)
    with pytest.raises(DeliveryError, match=r"mail\.password_file") as refused:
        SyncSession(home).go()
    assert refused.value.hint == SAYS


def test_a_token_in_a_file_is_tried_from_any_shell(home, server):
    (home.state_dir / "upstream-token").write_text(TOKEN)
    SyncSession(home, now=Clock()).go()
    assert held_registers(server) == made_registers(home)


@pytest.mark.parametrize("name", ["upstream-token", "typing-error"])
def test_in_the_unit_a_missing_token_is_refused_as_before(home, tmp_path, monkeypatch, name):
    text = home.config_path.read_text().replace("upstream-token", name)
    home.config_path.write_text(text)
    monkeypatch.setenv(
        "CREDENTIALS_DIRECTORY", credentials(tmp_path / "unit", upstream_token="none", mail_password="none")
    )
    result = SyncSession(home, now=Clock()).go()
    assert result.needs_a_person
    assert "there is no such credential" in result.line()
    assert ("put it into /etc/credstore/edge-daemon.upstream-token" in result.line()) == (name == "upstream-token")

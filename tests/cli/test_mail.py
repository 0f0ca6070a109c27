"""`edge-daemon mail`: the server's answer in one line, and previews of messages."""

from __future__ import annotations

import email
import email.policy

import pytest
from click.testing import CliRunner

from edge_daemon.cli.mail import mail
from edge_daemon.errors import DeliveryError
from edge_daemon.home import Home
from tests import mail_school
from tests.cli.running import run
from tests.mail_server import PASSWORD, USER, Server


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    """A home with one lesson, whose mail server can't be reached; no test writes to it."""
    home = mail_school.make(tmp_path_factory.mktemp("school") / "home")
    return home, mail_school.hold(home)


@pytest.fixture
def reachable(tmp_path):
    """A home with a running mail server."""
    with Server(tmp_path / "ca") as server:
        home = tmp_path / "home"
        home.mkdir()
        (home / "password").write_text(PASSWORD, encoding="utf-8")
        (home / "config.toml").write_text(
            f'[device]\nname = "room 204"\n[mail]\nhost = "127.0.0.1"\nport = {server.port}\n'
            f'ca_file = "{tmp_path}/ca/ca.pem"\nusername = "{USER}"\npassword_file = "password"\n'
            'from = "attendance@school.example"\n',
            encoding="utf-8",
        )
        yield home, server


def test_a_test_message_is_sent_and_the_answer_is_one_line(reachable):
    home, server = reachable
    result = run(home, "mail", "test", "--to", "admin@school.example")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"accepted by 127.0.0.1:{server.port}: 250 2.0.0 queued as 4711\n"
    (taken,) = server.taken
    assert taken.receiver == "admin@school.example"
    assert taken.message["Subject"] == "Test message of room 204"


def test_on_an_installed_device_a_shell_without_the_password_names_the_unit_that_has_it(reachable):
    home, server = reachable
    (home / "password").unlink()
    installed = Home(None)
    installed.state_dir, installed.config_path = home, home / "config.toml"
    result = CliRunner().invoke(mail, ["test", "--to", "admin@school.example"], obj=installed)
    assert isinstance(result.exception, DeliveryError)
    assert result.exception.hint == "use `attendance mail test --to ADDRESS`"
    assert server.taken == []


def test_a_refusal_is_one_line_too(reachable):
    home, _ = reachable
    (home / "password").write_text("wrong", encoding="utf-8")
    result = run(home, "mail", "test", "--to", "admin@school.example")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "refuses the log-in: 535" in result.stderr
    assert result.stderr.count("127.0.0.1") == 1, "the server is named once"
    assert "mail.password_file" in result.stderr


@pytest.mark.parametrize("address", ["admin", "a@b\nBcc: c@d", "A <a@b>"])
def test_an_invalid_address_is_wrong_usage(reachable, address):
    home, server = reachable
    result = run(home, "mail", "test", "--to", address)
    assert result.exit_code == 2
    assert "is not a mail address" in result.stderr
    assert server.taken == []


def test_without_settings_mail_test_names_the_missing_one(tmp_path):
    result = run(tmp_path, "mail", "test", "--to", "admin@school.example")
    assert result.exit_code == 2
    assert "mail.host: no mail server is set" in result.stderr


@pytest.mark.parametrize("kind", ["office", "student", "guardian"])
def test_a_message_is_written_to_look_at(school, tmp_path, kind):
    home, lesson = school
    result = run(home.state_dir, "mail", "preview", lesson[:8], "--kind", kind, "--output", str(tmp_path / "out"))
    assert result.exit_code == 0, result.stderr
    written = {path.name for path in (tmp_path / "out").iterdir()}
    names = ["office"] if kind == "office" else [f"{kind}-S01", f"{kind}-S03"]
    more = {"office.xlsx"} if kind == "office" else set()
    assert written == {f"{name}.{end}" for name in names for end in ("eml", "html", "txt")} | more
    raw = (tmp_path / "out" / f"{names[0]}.eml").read_bytes()
    assert email.message_from_bytes(raw, policy=email.policy.default)["From"].addresses[0].domain == "school.example"


def test_a_preview_of_a_message_that_would_not_be_sent_says_so(school, tmp_path):
    home, lesson = school
    result = run(home.state_dir, "mail", "preview", lesson, "--kind", "student", "--output", str(tmp_path))
    notes = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    assert "not sent now" not in notes[f"{tmp_path}/student-S01.eml"]
    assert "not sent now: a person has to confirm the absence" in notes[f"{tmp_path}/student-S03.eml"]


def test_a_week_can_be_looked_at(school, tmp_path):
    home, _ = school
    assert (
        run(home.state_dir, "mail", "preview", "2026-W47", "--kind", "week", "--output", str(tmp_path)).exit_code == 0
    )
    assert (tmp_path / "week.xlsx").exists()
    result = run(home.state_dir, "mail", "preview", "2026-W47", "--kind", "student-week", "--output", str(tmp_path))
    assert result.exit_code == 2
    assert "--student" in result.stderr


@pytest.mark.parametrize("about", ["2026-W99", "2026-13", "next week", "2026-11-20", "W-1"])
@pytest.mark.parametrize("kind", ["week", "month"])
def test_an_invalid_week_or_month_is_refused_in_one_line(school, tmp_path, about, kind):
    home, _ = school
    result = run(home.state_dir, "mail", "preview", about, "--kind", kind, "--output", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "2026-W47" in result.stderr


def test_a_lesson_that_is_not_there_is_refused(school, tmp_path):
    home, _ = school
    result = run(home.state_dir, "mail", "preview", "ffff", "--output", str(tmp_path))
    assert result.exit_code == 2
    assert "there is no such register" in result.stderr


@pytest.mark.parametrize("kind", ["office", "teacher", "student", "guardian", "week", "month", "student-week"])
def test_messages_can_be_looked_at_before_mail_is_set_up(tmp_path, kind):
    home = mail_school.make(tmp_path / "home", '[device]\nname = "room 204"\n')
    lesson = mail_school.hold(home)
    about = {"week": "2026-W47", "student-week": "2026-W47", "month": "2026-11"}.get(kind, lesson)
    whom = ["--student", "S01"] if kind == "student-week" else []
    result = run(home.state_dir, "mail", "preview", about, "--kind", kind, *whom, "--output", str(tmp_path / "out"))
    assert (result.exit_code, result.stderr) == (0, "")
    written = sorted((tmp_path / "out").glob("*.eml"))
    assert written
    message = email.message_from_bytes(written[0].read_bytes(), policy=email.policy.default)
    assert message["From"].addresses[0].domain == "edge-daemon.invalid"
    receiver = f"{message['To']}"
    assert receiver == ("nobody@edge-daemon.invalid" if kind in ("office", "week", "month") else receiver)
    if kind in ("student", "guardian"):
        assert "not sent now: the settings disable this mail" in result.stdout


@pytest.mark.parametrize("kind", ["week", "month"])
def test_where_there_is_no_message_there_is_no_folder_and_no_success(school, tmp_path, kind):
    home, _ = school
    about = "2026-W20" if kind == "week" else "2026-05"
    result = run(home.state_dir, "mail", "preview", about, "--kind", kind, "--output", str(tmp_path / "out"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"edge-daemon: {kind} {about}: there is no message: there were no lessons\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("language", "everybody", "named"), [("en", "All students", "class"), ("de", "Alle", "für Unterricht")]
)
def test_a_message_to_a_family_never_lists_the_whole_course(tmp_path, language, everybody, named):
    home = mail_school.make(tmp_path / "home", f'{mail_school.SETTINGS}language = "{language}"\n')
    lesson = mail_school.hold(home, course="")
    for kind in ("guardian", "student"):
        result = run(
            *(home.state_dir, "mail", "preview", lesson, "--kind", kind, "--student", "S01"),
            *("--output", str(tmp_path / kind)),
        )
        assert result.exit_code == 0, result.stderr
        text = (tmp_path / kind / f"{kind}-S01.txt").read_text("utf-8")
        assert everybody not in text + result.stdout
        assert named in text
    assert everybody not in (tmp_path / "guardian" / "guardian-S01.eml").read_text("utf-8")

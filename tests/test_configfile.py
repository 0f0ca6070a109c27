from __future__ import annotations

import sys

import pytest

from edge_daemon.config import Config
from edge_daemon.configfile import load_config
from edge_daemon.errors import ConfigError


def write(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    line = caught.value.line()
    assert line.startswith(f"{path}")
    assert "\n" not in line
    assert caught.value.hint
    assert line.endswith(f"; {caught.value.hint}")
    return line


def test_a_missing_file_means_defaults(tmp_path):
    assert load_config(tmp_path / "config.toml") == Config()


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ('""', ()),
        ('" "', ()),
        ("[]", ()),
        ('"R101"', ("R101",)),
        ('["R101"]', ("R101",)),
        ('["R101", "Lab, 1"]', ("R101", "Lab, 1")),
    ],
)
def test_the_room_is_one_name_or_several(tmp_path, value, names):
    assert load_config(write(tmp_path, f"[timetable]\nroom = {value}\n")).timetable.room == names


def test_a_room_that_is_no_text_is_refused(tmp_path):
    line = problems(write(tmp_path, '[timetable]\nroom = 101\ncancelled_words = "Off"\n'))
    assert "timetable.room: expected text or a list of text, found 101" in line
    assert 'timetable.cancelled_words: expected a list of text, found "Off"' in line


def test_an_empty_file_means_defaults(tmp_path):
    assert load_config(write(tmp_path, "")) == Config()


def test_a_value_in_the_file_replaces_the_default(tmp_path):
    config = load_config(
        write(
            tmp_path,
            """
            [device]
            name = "Ruang 7 \u2013 \U0001f393"
            time_zone = "Asia/Jakarta"
            [timetable]
            files = ["a.ics", "b.ics"]
            [rule]
            share = 1
            [mail]
            from = "register@school.example"
            students = true
            """,
        )
    )
    assert config.device.name == "Ruang 7 \u2013 \U0001f393"
    assert config.device.time_zone == "Asia/Jakarta"
    assert config.timetable.files == ("a.ics", "b.ics")
    assert config.rule.share == 1.0
    assert isinstance(config.rule.share, float)
    assert config.mail.from_ == "register@school.example"
    assert config.mail.students is True
    assert config.lesson == Config().lesson


def test_a_byte_order_mark_is_no_problem(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[lesson]\r\ncaptures = 30\r\n")
    assert load_config(path).lesson.captures == 30


def test_a_relative_folder_starts_where_the_file_is(tmp_path):
    assert load_config(write(tmp_path, '[models]\ndir = "other"')).models.dir == str(tmp_path / "other")
    assert load_config(write(tmp_path, '[models]\ndir = "/srv/models"')).models.dir == "/srv/models"
    assert load_config(write(tmp_path, '[models]\ndir = ""')).models.dir == ""


@pytest.mark.parametrize("share", ["1e-9", "0.4", "1", "1.0"])
def test_a_share_above_0_and_at_most_1_is_allowed(tmp_path, share):
    assert load_config(write(tmp_path, f"[rule]\nshare = {share}")).rule.share == float(share)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[rule]\nshare = 0", "rule.share: expected a number above 0 and at most 1, found 0"),
        ("[rule]\nshare = 1.01", "rule.share: expected a number above 0 and at most 1, found 1.01"),
        ("[rule]\nshare = -0.4", "rule.share: expected a number above 0 and at most 1, found -0.4"),
        ("[rule]\nshare = nan", "rule.share: expected a number above 0 and at most 1, found nan"),
        ('[rule]\nshare = "0.4"', 'rule.share: expected a number above 0 and at most 1, found "0.4"'),
        ("[rule]\nshare = true", "rule.share: expected a number above 0 and at most 1, found true"),
        ("[lesson]\ncaptures = 0", "lesson.captures: expected a whole number from 1 to 1000, found 0"),
        ("[lesson]\ncaptures = 100.0", "lesson.captures: expected a whole number from 1 to 1000, found 100.0"),
        ("[lesson]\ncaptures = true", "lesson.captures: expected a whole number from 1 to 1000, found true"),
        ("[lesson]\ncaptures = 99999999999999999999", "lesson.captures: expected a whole number from 1 to 1000"),
        ("[mail]\nstudents = 1", "mail.students: expected true or false, found 1"),
        ('[mail]\nstudents = "yes"', 'mail.students: expected true or false, found "yes"'),
        ("[mail]\nhold_h = inf", "mail.hold_h: expected a number of hours from 0 to 168, found inf"),
        ("[mail]\nport = 0", "mail.port: expected a whole number from 1 to 65535, found 0"),
        ('[mail]\nsecurity = "plain"', 'mail.security: expected one of tls, starttls, found "plain"'),
        ("[mail]\nfrom = 3", "mail.from: expected a mail address such as office@school.example, found 3"),
        ('[mail]\noffice = "a@b"', 'mail.office: expected a list of text, found "a@b"'),
        ('[upstream]\npull = ["photos"]', "upstream.pull: expected a list out of roster, corrections, excuses"),
        ('[timetable]\nfiles = ["a.ics", 3]', "timetable.files: expected a list of text, found a list"),
        ('[camera]\nkind = "webcam"', 'camera.kind: expected one of picamera2, v4l2, gstreamer, files, found "webcam"'),
        ("[camera]\nkind = []", "camera.kind: expected one of picamera2, v4l2, gstreamer, files, found a list"),
        ('[device]\ntime_zone = "Mars/Olympus"', "device.time_zone: expected a time zone such as Europe/Berlin"),
        ('[device]\ntime_zone = "../../etc/passwd"', "device.time_zone: expected a time zone such as Europe/Berlin"),
        ('[device]\ntime_zone = ""', 'device.time_zone: expected a time zone such as Europe/Berlin, found ""'),
        ("[device]\ntime_zone = 1979-05-27", "found a date or time"),
        ("rule = 3", "rule: expected a section, found 3"),
        ("[[rule]]\nshare = 0.5", "rule: expected a section, found a list"),
        ("[rule]\nshar = 0.5", "rule.shar: unknown key, did you mean rule.share?"),
        ("[mail]\nform = 'x'", "mail.form: unknown key, did you mean mail.from?"),
        ("[mail]\nfrom_ = 'x'", "mail.from_: unknown key, did you mean mail.from?"),
        ("[rules]\nshare = 0.5", "rules: unknown key, did you mean rule?"),
        ("colour = 1", "colour: unknown key, known here: device, timetable, week, camera, lesson, rule"),
        ("[rule]\nx = 1", "rule.x: unknown key, known here: share"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_was_expected(tmp_path, text, expected):
    assert expected in problems(write(tmp_path, text))


def test_all_problems_are_named_at_once(tmp_path):
    line = problems(
        write(tmp_path, "colour = 1\n[rule]\nshare = 2\nshar = 2\n[lesson]\ncaptures = 0\n[device]\nname = 7")
    )
    *wrong, _, hint = line.removeprefix(f"{tmp_path / 'config.toml'}: ").split("; ")
    assert hint == "docs/config.example.toml has every key"
    assert [part.split(":")[0] for part in wrong] == [
        "device.name",
        "lesson.captures",
        "rule.share",
        "rule.shar",
        "colour",
    ]


def test_a_value_is_not_printed_for_an_unknown_key_as_it_may_be_a_password(tmp_path):
    assert "hunter2" not in problems(write(tmp_path, '[mail]\npassword = "hunter2"'))


def test_a_mistake_in_the_syntax_is_named_with_line_and_column(tmp_path):
    assert "is not TOML: Invalid value (at line 2, column 9)" in problems(write(tmp_path, "[rule]\nshare = = 3\n"))


def test_a_key_that_stands_twice_is_refused(tmp_path):
    assert "is not TOML" in problems(write(tmp_path, "[rule]\nshare = 0.3\nshare = 0.4\n"))


def test_another_encoding_is_refused(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes('[device]\nname = "Schülerraum"'.encode("latin-1"))
    assert "is not UTF-8 text" in problems(path)


def test_arrays_without_an_end_are_one_line(tmp_path):
    assert "is nested too deeply" in problems(write(tmp_path, "x = " + "[" * 100_000 + "\n"))


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="Python 3.10.4 has no limit for numbers yet")
def test_a_number_of_too_many_digits_is_one_line(tmp_path):
    line = problems(write(tmp_path, f"[device]\nname = {'9' * 5000}\n"))
    assert "has a number of too many digits; correct it" in line.replace(": ", "; ")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "config.toml").mkdir()
    assert "can't be read: Is a directory; put a file there" in problems(tmp_path / "config.toml")


@pytest.mark.parametrize(
    "address",
    [
        "office@school.example\\nBcc: all@school.example",
        "office@school.example\\r\\n",
        "Office <office@school.example>",
        "a@school.example, b@school.example",
        "office",
        "@school.example",
        "office@",
        "office@school..example",
        "of fice@school.example",
        "office\\u2028@school.example",
        "o" * 300 + "@school.example",
    ],
)
def test_an_address_that_is_no_plain_mail_address_is_refused(tmp_path, address):
    path = tmp_path / "config.toml"
    path.write_text(f'[mail]\noffice = ["{address}"]\nfrom = "{address}"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    line = str(caught.value)
    assert "mail.office: expected mail addresses such as" in line
    assert "mail.from: expected a mail address such as" in line
    assert "\n" not in line


@pytest.mark.parametrize("address", ["o'neil+x@mail.school.example", "büro@schule.example", "a@localhost"])
def test_mail_addresses_that_exist_are_taken(tmp_path, address):
    path = tmp_path / "config.toml"
    path.write_text(f'[mail]\noffice = ["{address}"]\nfrom = "{address}"\n', encoding="utf-8")
    assert load_config(path).mail.office == (address,)


def test_a_file_full_of_unknown_keys_is_still_one_line_that_can_be_read(tmp_path):
    keys = "\n".join(f"{'x' * 5000}{n} = 1" for n in range(100))
    line = problems(write(tmp_path, f"[device]\n{keys}\n"))
    assert len(line) < 4000
    assert f"device.{'x' * 40}: unknown key" in line
    assert "; and 80 more; " in line


def test_a_time_zone_like_a_path_of_a_thousand_folders_is_refused(tmp_path):
    line = problems(write(tmp_path, f'[device]\ntime_zone = "Europe/{"B/" * 500}"\n'))
    assert "device.time_zone: expected a time zone such as Europe/Berlin" in line

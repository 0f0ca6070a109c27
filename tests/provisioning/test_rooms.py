"""The list of rooms: each mistake is one line with its place, and nothing is made."""

from __future__ import annotations

import pytest

from edge_daemon.configfile import load_config
from provisioning.rooms import read_rooms
from tests.provisioning.lists import GOOD, OTHER, TOKEN, make_cards, write_list

MISTAKES = {
    "room without a name": ({"room": ""}, "line 2, room: is empty"),
    "device that is no host name": ({"device": "Room 7"}, "line 2, device: use up to 63 of a-z"),
    "device that every computer is": ({"device": "localhost"}, "line 2, device: is the name of every computer"),
    "device that would leave the folder": ({"device": "../7a"}, "line 2, device: use up to 63 of a-z"),
    "wrong time zone": ({"time_zone": "Europe/Berln"}, "did you mean Europe/Berlin?"),
    "wrong country": ({"wifi_country": "UK"}, "line 2, wifi_country: “UK” is not a country"),
    "no country": ({"wifi_country": ""}, "line 2, wifi_country: is empty"),
    "password too short": ({"wifi_password": "1234567"}, "line 2, wifi_password: has 7 characters; the least is 8"),
    "password too long": ({"wifi_password": "x" * 64}, "line 2, wifi_password: has 64 bytes; the most is 63"),
    "password too long in bytes": ({"wifi_password": "ü" * 32}, "line 2, wifi_password: has 64 bytes"),
    "no password": ({"wifi_password": ""}, "wifi_security open"),
    "password over two lines": ({"wifi_password": "two\nlines here"}, "line 2, wifi_password: the quote that opens"),
    "network's name too long": ({"wifi_ssid": "ü" * 17}, "line 2, wifi_ssid: has 34 bytes"),
    "network's name with a control character": ({"wifi_ssid": "a\x07b"}, "line 2, wifi_ssid: has a line break"),
    "network's name with a separator of lines": ({"wifi_ssid": "a\u2028b"}, "line 2, wifi_ssid: has a line break"),
    "address without encryption": ({"upstream_url": "http://a.example"}, "has to begin with https://"),
    "address without server": ({"upstream_url": "https:///x"}, "names no server"),
    "address with a password": ({"upstream_url": "https://u:hunter2@a.example"}, "has a password in it"),
    "address with a wrong port": ({"upstream_url": "https://a.example:x"}, "is not an address"),
    "timetable that is not there": ({"timetable": "none.ics"}, "none.ics can't be read: No such file"),
    "timetable that is none": ({"timetable": "token.txt"}, "token.txt, line 1: expected BEGIN:VCALENDAR here"),
    "token that is not there": ({"upstream_token_file": "none"}, "none can't be read"),
    "camera of no kind": ({"camera_kind": "polaroid"}, "camera_kind: expected one of picamera2, v4l2"),
    "setting out of range": ({"lesson.captures": "100000"}, "expected a number from 1 to 1000"),
    "setting that is no number": ({"rule.share": "half"}, "expected a number"),
    "unknown column": ({"wifi_pasword": "x"}, "line 1, wifi_pasword: is not a column; did you mean wifi_password?"),
    "clock chip that nobody makes": ({"rtc": "sundial"}, "rtc: expected one of pi5, ds3231"),
    "watchdog that is maybe there": ({"watchdog": "maybe"}, "expected yes or no"),
    "no network and no clock chip": (
        {"network": "none", "wifi_ssid": "", "wifi_password": "", "wifi_country": "", "upstream_url": ""},
        "line 2, rtc: a room without network needs a clock chip",
    ),
    "wireless words for a wired room": ({"network": "wired"}, "line 2, wifi_ssid: is not used"),
    "no word about the network": ({"wifi_ssid": "", "wifi_password": "", "wifi_country": ""}, "say wifi (with wifi"),
    "WPA3 with a key in place of the password": (
        {"wifi_security": "wpa3", "wifi_password": "a" * 64},
        "the most is 63",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_its_place_and_makes_nothing(tmp_path, mistake):
    change, words = MISTAKES[mistake]
    result = make_cards(write_list(tmp_path, {**GOOD, **change}), tmp_path / "cards")
    assert result.returncode == 2
    assert words in result.stderr
    assert all(line.startswith("rooms.csv line ") for line in result.stderr.splitlines())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["7a.ics", "rooms.csv", "token.txt"]


def test_all_mistakes_are_reported_together_in_the_order_of_their_lines(tmp_path):
    other = {**OTHER, "timetable_room": "7a"}
    rows = [{**GOOD, "time_zone": "Mars/Base"}, {**other, "wifi_country": "XX", "wifi_password": "x"}]
    result = make_cards(write_list(tmp_path, *rows), tmp_path / "cards")
    places = [line.split(":")[0] for line in result.stderr.splitlines()]
    assert places == [
        "rooms.csv line 2, time_zone",
        "rooms.csv line 3, wifi_country",
        "rooms.csv line 3, wifi_password",
    ]


@pytest.mark.parametrize("column", ["room", "device"])
def test_a_double_names_both_lines(tmp_path, column):
    other = {**OTHER, "timetable_room": "7a", column: GOOD[column].upper().lower()}
    result = make_cards(write_list(tmp_path, GOOD, other), tmp_path / "cards")
    assert result.returncode == 2
    assert f"line 3, {column}: “{GOOD[column]}” is in line 2, too" in result.stderr


@pytest.mark.parametrize("named", ["token.txt", "copy.txt"])
def test_two_devices_with_one_token_are_refused(tmp_path, named):
    (tmp_path / "copy.txt").write_text(f"{TOKEN}\r\n")
    rooms = write_list(tmp_path, GOOD, {**OTHER, "timetable_room": "7a", "upstream_token_file": named})
    result = make_cards(rooms, tmp_path / "cards")
    expected_message = "rooms.csv line 3, upstream_token_file: has the token of line 2; each device needs its own\n"
    assert (result.returncode, result.stderr) == (2, expected_message)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1: is empty"),
        (b"\r\n\r\n", "line 1: is empty"),
        (b"room,device,time_zone,timetable\r\n", "has no device"),
        (b"room,device\r\nM\xfcller,7\r\n", "line 2: is not UTF-8"),
        ("room,device\r\n7a,room-7a\r\n".encode("utf-16-le"), "line 1: is not UTF-8"),
        ("room,device\r\n7a,room-7a\r\n".encode("utf-16-be"), "line 1: is not UTF-8"),
        ("room,device\r\n".encode("utf-16"), "line 1: is not UTF-8"),
        (b'room,"device\r\n7,room-7\r\n', "line 1: the quote that opens here is not closed"),
        (b"room,room,device,time_zone,timetable\r\n", "line 1, room: is there twice"),
        (b"device,time_zone,timetable\r\n7,Europe/Berlin,x\r\n", "line 1, room: is missing"),
        (b"room,device,time_zone,timetable\r\n7,room-7\r\n", "line 2: has 2 cells, the first line 4"),
    ],
)
def test_a_file_that_is_no_list_is_one_line(tmp_path, content, words):
    path = tmp_path / "rooms.csv"
    path.write_bytes(content)
    result = make_cards(path, tmp_path / "cards")
    assert result.returncode == 2
    assert words in result.stderr
    assert not (tmp_path / "cards").exists()


QUOTES = {
    '"secret"x1y': "continues after its closing quote",
    '"secret""': "the quote that opens here is not closed in this line",
    '"secret': "the quote that opens here is not closed in this line",
    ' "secret99"': "has blanks before its quote",
    '"secret99" ': "continues after its closing quote",
}


@pytest.mark.parametrize("cell", QUOTES)
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_quote_out_of_place_is_one_complaint_at_the_line_where_it_opens(tmp_path, cell, delimiter):
    rooms = write_list(tmp_path, {**GOOD, "wifi_password": "CELL"}, {**OTHER, "wifi_ssid": "The School"})
    text = rooms.read_text(encoding="utf-8").replace("The School", '"The School"').replace(",", delimiter)
    rooms.write_text(text.replace("CELL", cell), encoding="utf-8")
    result = make_cards(rooms, tmp_path / "cards")
    (line,) = result.stderr.splitlines()
    assert (result.returncode, line.startswith(f"rooms.csv line 2, wifi_password: {QUOTES[cell]}; ")) == (2, True)
    assert "secret" not in line


def test_quotes_that_belong_to_a_password_come_out_as_they_went_in(tmp_path):
    for cell, password in (('"a ""b"" c;,d"', 'a "b" c;,d'), ('ab"cd"efg', 'ab"cd"efg')):
        rooms = write_list(tmp_path, {**GOOD, "wifi_password": "CELL", "wifi_security": "wpa3"})
        rooms.write_text(rooms.read_text(encoding="utf-8").replace("CELL", cell), encoding="utf-8")
        found, problems = read_rooms(rooms)
        assert (problems, [room.wifi.password for room in found]) == ([], [password])


def test_no_message_repeats_a_password_or_a_token(tmp_path):
    rooms = write_list(tmp_path, {**GOOD, "wifi_password": "geheim1", "time_zone": "x"})
    (tmp_path / "token.txt").write_text(f"{TOKEN}\nsecond line\n")
    result = make_cards(rooms, tmp_path / "cards")
    assert result.returncode == 2
    assert "token.txt has more than one line" in result.stderr
    assert "geheim1" not in result.stderr + result.stdout
    assert TOKEN not in result.stderr + result.stdout


def test_a_list_of_a_german_spreadsheet_is_read(tmp_path):
    rooms = write_list(tmp_path, GOOD)
    rooms.write_bytes(b"\xef\xbb\xbf" + rooms.read_bytes().replace(b",", b";"))
    assert make_cards(rooms, tmp_path / "cards").returncode == 0


SCHOOL = (
    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nLOCATION:7a\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nLOCATION;X=y:7\r\n b\\, Main building\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def room_of(tmp_path, **changes):
    """Return the room that the card's settings name, or what is wrong, for a list of one line."""
    rooms = write_list(tmp_path, {**GOOD, "timetable": "school.ics", **changes})
    (tmp_path / "school.ics").write_text(SCHOOL, encoding="utf-8", newline="")
    result = make_cards(rooms, tmp_path / "cards")
    if result.returncode:
        return result.stderr
    return " | ".join(load_config(tmp_path / "cards/room-7a/edge-daemon/config.toml").timetable.room)


@pytest.mark.parametrize("room", ["7a", "7A", "7b", "7B", "main  building", "7b, Main building"])
def test_a_room_is_found_in_the_schools_calendar_as_the_device_finds_it(tmp_path, room):
    assert room_of(tmp_path, room=room) == room


def test_a_calendar_of_one_line_filters_by_the_room_that_the_list_names(tmp_path):
    assert room_of(tmp_path, room="Chemistry", timetable_room="7b") == "7b"


def test_a_room_may_have_several_names_in_the_calendar(tmp_path):
    assert room_of(tmp_path, room="Chemistry", timetable_room="Lab | 7b") == "Lab | 7b"
    settings = (tmp_path / "cards/room-7a/edge-daemon/config.toml").read_text()
    assert 'room = ["Lab", "7b"]' in settings
    wrong = room_of(tmp_path, room="Chemistry", timetable_room="Lab|7d")
    assert "timetable_room: no event of school.ics has the LOCATION “Lab” or “7d” (it has" in wrong


@pytest.mark.parametrize("room", ["7d", "Room 7a", "7"])
def test_a_room_that_the_calendar_never_names_is_one_clear_line(tmp_path, room):
    expected_message = (
        "no event of school.ics has the LOCATION “{}” (it has “7a”, “7b, Main building”); give timetable_room\n"
    )
    assert room_of(tmp_path, room=room) == f"rooms.csv line 2, timetable: {expected_message.format(room)}"
    wrong = room_of(tmp_path, timetable_room=room)
    assert wrong == f"rooms.csv line 2, timetable_room: {expected_message.format(room)}"


def test_a_calendar_without_any_room_is_taken_whole_by_one_room_but_not_by_two(tmp_path):
    rooms = write_list(tmp_path, GOOD)
    (tmp_path / "7a.ics").write_text(SCHOOL.replace("LOCATION", "X-PLACE"), encoding="utf-8", newline="")
    assert make_cards(rooms, tmp_path / "cards").returncode == 0
    assert "[timetable]\nfiles" in (tmp_path / "cards/room-7a/edge-daemon/config.toml").read_text()
    calendar = (tmp_path / "7a.ics").read_bytes()
    rooms = write_list(tmp_path, GOOD, OTHER)
    (tmp_path / "7a.ics").write_bytes(calendar)
    result = make_cards(rooms, tmp_path / "others")
    assert "line 3, timetable: no event of 7a.ics has the LOCATION “7b” (it has none)" in result.stderr


def test_a_folder_that_is_in_use_is_not_touched(tmp_path):
    rooms = write_list(tmp_path, GOOD)
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards/mine").write_text("x")
    result = make_cards(rooms, tmp_path / "cards")
    assert result.returncode == 2
    assert "is there already" in result.stderr
    assert [path.name for path in (tmp_path / "cards").iterdir()] == ["mine"]


def test_a_disk_that_fills_up_leaves_nothing_half_written(tmp_path, monkeypatch):
    from provisioning import make_cards as script

    rooms = write_list(tmp_path, GOOD, {**OTHER, "timetable_room": "7a"})
    real = script._write_card

    def fails_at_the_second(room, *rest):
        if room.device == "room-7b":
            raise OSError(28, "No space left on device")
        real(room, *rest)

    monkeypatch.setattr(script, "_write_card", fails_at_the_second)
    assert script.main([str(rooms), "--output", str(tmp_path / "cards")]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["7a.ics", "rooms.csv", "token.txt"]

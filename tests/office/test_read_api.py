"""The read API gives the registers to a token of the school with the scope, and nothing to anybody else."""

from __future__ import annotations

import base64
import json
import re
from datetime import date, datetime, timedelta, timezone

import jsonschema
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from edge_daemon_office.decisions.models import Excuse
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.ingest.run import ingest, rebuild
from edge_daemon_office.interfaces.models import ApiToken
from edge_daemon_office.interfaces.tokens import SCOPES, make_token, revoke
from edge_daemon_office.pages.urls import API
from edge_daemon_office.registers.models import Lesson, Mark, Revision
from tests.office.browser import an_account, signed_in
from tests.office.school_tree import pinned_room
from tests.office.test_environment import office as run_office
from tests.registers import START

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


@pytest.fixture
def schools(office):
    """Two schools with three lessons each."""
    for name, school in office.schools.items():
        room = pinned_room(school, f"{name} room")
        for day in range(3):
            register = room.register(START + timedelta(days=day), {f"{name} 1": 0.9, f"{name} 2": 0.0}, "7a")
            room.deliver(register)
        room.correct(register, f"{name} 2", "present")
        room.heartbeat(NOW)
        school.roster.write_text(f"student_id,name,courses\n{name} 1,Ää {name},7a; 7b\n", "utf-8")
        ingest(school, NOW)
        about = {"first_day": date(2026, 11, 16), "last_day": date(2026, 11, 17), "code": "illness", "at": NOW}
        Excuse.objects.create(school=name, excuse_id=f"{name}-1", student_id=f"{name} 2", **about)
    return office


def token_of(school: str, *scopes: str, name: str = "sis") -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {make_token(school, name, scopes or SCOPES, NOW, None)}"}


def resources(school: str) -> dict[str, tuple[str, str]]:
    """Address and scope of each resource, about a lesson of the school."""
    lesson_id = Lesson.objects.filter(school=school).order_by("start").first().lesson_id
    return {
        one.name: (f"/{one.pattern}".replace("<slug:school>", school).replace("<str:lesson_id>", lesson_id), scope)
        for one in API
        if (scope := getattr(one.callback, "scope", None))
    }


def test_each_answer_is_as_the_description_says_and_the_description_names_each_address(schools):
    client = Client()
    described = client.get("/api/v1/openapi.json").json()
    templates = {re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{one.pattern}") for one in API[1:]}
    assert set(described["paths"]) == templates
    mine, seen = token_of("north"), 0
    for address, scope in resources("north").values():
        path = re.sub(r"/lessons/[0-9a-f-]+", "/lessons/{lesson_id}", address.replace("/north/", "/{school}/"))
        get = described["paths"][path]["get"]
        assert get["x-scope"] == scope
        answer = client.get(address, **mine)
        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
        schema = get["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": described["components"]}
        jsonschema.validate(answer.json(), whole, format_checker=jsonschema.FormatChecker())
        seen += len(answer.json().get("items", [1]))
        refused = client.get(f"{address}?limit=0&from=x&after=!", **mine)
        if get["parameters"]:
            jsonschema.validate(refused.json(), {**whole, "$ref": "#/components/schemas/problem"})
            assert refused.status_code == 400
    assert seen == 3 + 1 + 4 + 6 + 1 + 1 + 1


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_reads_its_scopes_of_its_school_and_nothing_else(schools, scope):
    client, mine = Client(), token_of("north", scope)
    for address, needed in resources("north").values():
        assert client.get(address, **mine).status_code == (200 if needed == scope else 403)
        assert client.post(address, **mine).status_code == 405
        assert client.get(address).status_code == 401
    for address, _ in resources("south").values():
        answer = client.get(address, **mine)
        assert (answer.status_code, "south 1" in answer.content.decode()) == (401, False)
        assert client.get(address.replace("/south/", "/nowhere/"), **mine).status_code == 401
    for address, _ in resources("south").values():  # the own school in the address does not help either
        answer = client.get(address.replace("/south/", "/north/"), **mine)
        assert answer.status_code in (200, 403, 404)
        assert "south" not in answer.content.decode()
    session = signed_in(an_account("office"))
    assert {session.get(address).status_code for address, _ in resources("north").values()} == {401}


def test_a_token_is_kept_as_its_hash_ends_and_is_revoked(schools):
    token = make_token("north", "sis", ("rooms",), NOW, NOW + timedelta(days=1))
    row = ApiToken.objects.get()
    assert token not in json.dumps([str(value) for value in vars(row).values()])
    address, known = "/api/v1/north/rooms", {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    assert Client().get(address, **known).status_code == 401  # NOW is in the past: it has expired
    ApiToken.objects.update(expires_at=None)
    assert Client().get(address, **known).status_code == 200
    assert ApiToken.objects.get().used_at is not None
    assert Client().get(address, HTTP_AUTHORIZATION=f"Basic {token}").status_code == 401
    assert revoke("north", "sis")
    assert not revoke("north", "sis")
    assert Client().get(address, **known).status_code == 401


@pytest.mark.parametrize(("name", "scopes"), [("sis", ("marks",)), ("x", ("faces",)), ("", ("marks",)), ("y", ())])
def test_a_token_without_a_name_of_its_own_or_a_scope_is_not_made(schools, name, scopes):
    make_token("north", "sis", ("rooms",), NOW, None)
    with pytest.raises(OfficeError):
        make_token("north", name, scopes, NOW, None)
    with pytest.raises(OfficeError, match="is in the past"):
        make_token("north", "z", ("rooms",), NOW, NOW)
    assert ApiToken.objects.count() == 1


def test_pages_of_a_list_have_every_item_once_in_any_size(schools):
    client, mine = Client(), token_of("north")
    for name in ("lessons", "marks", "changes"):
        whole = client.get(f"/api/v1/north/{name}", **mine).json()["items"]
        for limit in (1, 2, 3):
            found, after = [], ""
            while True:
                page = client.get(f"/api/v1/north/{name}", {"limit": limit, "after": after}, **mine).json()
                assert len(page["items"]) <= limit
                found += page["items"]
                after = page["next"]
                if after is None:
                    break
            assert found == whole


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "00001" + "0" * 4},
        {"limit": "00001" + "9" * 5000},
        {"after": base64.urlsafe_b64encode(b'["\\ud800"]').decode("ascii")},
    ],
)
def test_a_parameter_that_looks_right_and_is_not_is_refused(schools, query):
    answer = Client().get("/api/v1/north/lessons", query, **token_of("north"))
    assert (answer.status_code, next(iter(query)) in answer.json()["detail"]) == (400, True)


def test_a_reader_that_keeps_its_cursor_gets_each_change_and_everything_again_after_a_rebuild(schools):
    client, mine, school = Client(), token_of("north"), schools.schools["north"]
    first = client.get("/api/v1/north/changes", **mine).json()
    assert sorted(one["revision"] for one in first["items"]) == [1, 1, 1, 2]
    after = {"after": first["cursor"]}
    nothing = client.get("/api/v1/north/changes", after, **mine).json()
    assert nothing == {"items": [], "next": None, "cursor": first["cursor"]}
    room = pinned_room(school, "another room")
    room.deliver(room.register(START, {"north 1": 0.9}, "7a"))
    ingest(school, NOW)
    assert [one["device"] for one in client.get("/api/v1/north/changes", after, **mine).json()["items"]] == [
        "another room"
    ]
    rebuild(school, NOW)
    assert len(client.get("/api/v1/north/changes", after, **mine).json()["items"]) == 5


def test_filters_narrow_a_list(schools):
    client, mine = Client(), token_of("north")

    def count(name: str, **wanted: str) -> int:
        return len(client.get(f"/api/v1/north/{name}", wanted, **mine).json()["items"])

    assert count("lessons", **{"from": "2026-11-17"}) == 2
    assert count("lessons", course="7b") == 0
    assert count("marks", student_id="north 2", to="2026-11-16") == 1
    assert count("marks", lesson_id=Lesson.objects.filter(school="north").first().lesson_id) == 2
    assert count("excuses", **{"from": "2026-11-18"}) == 0
    assert client.get("/api/v1/north/lessons/unknown", **mine).status_code == 404


def test_the_tables_go_back_to_the_release_before_and_forth_again_with_their_rows(schools):
    before = {name: Mark.objects.filter(school=name).count() for name in ("north", "south")}
    call_command("migrate", "registers", "0002_row_security", verbosity=0)
    try:
        with connection.cursor() as cursor:
            names = {one.name for one in connection.introspection.get_table_description(cursor, "registers_revision")}
        assert "arrival" not in names
    finally:
        call_command("migrate", verbosity=0)
    for name, count in before.items():
        assert Mark.objects.filter(school=name).count() == count
        arrivals = Revision.objects.filter(school=name).order_by("found_at", "lesson_id", "revision")
        assert list(arrivals.values_list("arrival", flat=True)) == [1, 2, 3, 4]


def test_the_commands_of_other_systems(tmp_path):
    home = tmp_path / "o"
    (tmp_path / "tree" / "v1" / "devices").mkdir(parents=True)
    assert run_office(home, "init", "--tree", str(tmp_path / "tree")).returncode == 0
    completed = run_office(
        home, "token", "add", "sis", "--scope", "marks", "--scope", "lessons", "--expires", "2099-07-31"
    )
    assert (completed.returncode, completed.stderr) == (0, "")
    token = completed.stdout.split()[0]
    listed = run_office(home, "token", "list").stdout
    assert listed == "school; sis; lessons marks; until 2099-07-31; never used\n"
    assert token not in listed
    wrong = run_office(home, "export", "--csv", "x", "--output", str(tmp_path / "x.csv"))
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
    assert run_office(home, "token", "revoke", "sis").returncode == 0
    assert run_office(home, "edfi", "send").returncode == 0  # no school has it set up

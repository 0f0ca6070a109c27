"""Signing in: password, second factor, lock-out; and what ends a session."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest
from django.conf import settings
from django.test import Client

from edge_daemon_office.people import totp
from edge_daemon_office.people.models import Account
from edge_daemon_office.people.sign_in import FREE_FAILURES
from tests.office.browser import PASSWORD, an_account, signed_in


def sign_in(client: Client, username: str, password: str = PASSWORD):
    return client.post("/sign-in/", {"username": username, "password": password})


@pytest.mark.parametrize(
    ("second", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_rfc_6238(second, code):
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert totp.code(secret, second // 30) == code
    assert totp.matching_step(secret, f"{code[:3]} {code[3:]}", second + 29, 0) == second // 30
    assert totp.matching_step(secret, code, second, second // 30) is None
    assert totp.matching_step(secret, code, second + 90, 0) is None


def test_a_secret_is_sealed_by_the_offices_own(office):
    secret = totp.new_secret()
    text = totp.sealed(secret, "a")
    assert secret not in text
    assert totp.opened(text, "a") == secret
    assert totp.opened(text, "b") is None
    assert totp.opened("x", "a") is None


def test_a_right_password_lets_in_and_a_wrong_one_says_nothing_more(office):
    an_account("head")
    client = Client()
    assert sign_in(client, " HEAD-north ").headers["Location"] == "/"
    assert client.get("/north/today/").status_code == 200
    wrong, unknown = sign_in(Client(), "head-north", "x"), sign_in(Client(), "nobody", "x")
    assert (wrong.status_code, unknown.status_code) == (403, 403)
    assert b'role="alert"' in wrong.content


def test_after_wrong_passwords_the_account_is_locked_even_for_the_right_one(office):
    account = an_account("head")
    for _ in range(FREE_FAILURES):
        sign_in(Client(), account.username, "x")
    assert sign_in(Client(), account.username).status_code == 302
    for _ in range(FREE_FAILURES + 1):
        sign_in(Client(), account.username, "x")
    assert sign_in(Client(), account.username).status_code == 403
    account.refresh_from_db()
    first = account.locked_until - datetime.now(timezone.utc)
    assert timedelta(seconds=50) < first <= timedelta(minutes=1)
    sign_in(Client(), account.username, "x")
    account.refresh_from_db()
    assert account.locked_until - datetime.now(timezone.utc) > first
    Account.objects.update(locked_until=datetime.now(timezone.utc) - timedelta(seconds=1))
    assert sign_in(Client(), account.username).status_code == 302


def test_with_a_second_factor_no_page_comes_before_its_code_and_no_code_twice(office):
    account = an_account("head")
    secret = totp.new_secret()
    Account.objects.update(totp_sealed=totp.sealed(secret, settings.SECRET_KEY))
    client = Client()
    assert sign_in(client, account.username).headers["Location"] == "/code/"
    for address in ("/north/today/", "/password/", "/second-factor/", "/"):
        assert client.get(address).headers["Location"] == "/code/"
    assert client.post("/code/", {"code": "000000x"}).status_code == 403
    code = totp.code(secret, int(time.time()) // 30)
    assert client.post("/code/", {"code": code}).headers["Location"] == "/"
    assert client.get("/north/today/").status_code == 200
    other = Client()
    sign_in(other, account.username)
    assert other.post("/code/", {"code": code}).status_code == 403


def test_a_required_second_factor_is_set_up_before_any_page(office):
    from dataclasses import replace

    settings.OFFICE = replace(office, totp="required")
    account = an_account("head")
    client = signed_in(account)
    assert client.get("/north/today/").headers["Location"] == "/second-factor/"
    client.get("/second-factor/")
    secret = client.session["new_totp"]
    assert client.post("/second-factor/", {"code": "x"}).status_code == 403
    code = totp.code(secret, int(time.time()) // 30)
    assert client.post("/second-factor/", {"code": code}).headers["Location"] == "/"
    assert client.get("/north/today/").status_code == 200
    account.refresh_from_db()
    assert secret not in account.totp_sealed


def test_a_disabled_account_and_a_new_password_end_the_sessions(office):
    account = an_account("head")
    one, two = Client(), Client()
    for client in (one, two):
        sign_in(client, account.username)
    new = {"old": PASSWORD, "new": "quite another long one", "again": "quite another long one"}
    assert one.post("/password/", {**new, "old": "x"}).status_code == 403
    assert one.post("/password/", {**new, "again": "x"}).status_code == 403
    assert one.post("/password/", {**new, "new": "123", "again": "123"}).status_code == 403
    assert one.post("/password/", new).status_code == 302
    assert one.get("/north/today/").status_code == 200
    assert two.get("/north/today/").headers["Location"].startswith("/sign-in/")
    Account.objects.update(is_active=False)
    assert one.get("/north/today/").headers["Location"].startswith("/sign-in/")


def test_forms_need_their_token_and_sign_out_is_no_link(office):
    client = Client(enforce_csrf_checks=True)
    assert sign_in(client, "x").status_code == 403
    assert Client().get("/sign-out/").status_code == 405


def test_signing_in_redirects_to_no_other_site(office):
    an_account("head")
    answer = Client().post(
        "/sign-in/", {"username": "head-north", "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert answer.headers["Location"] == "/"
    answer = Client().post("/sign-in/", {"username": "head-north", "password": PASSWORD, "next": "/north/below/"})
    assert answer.headers["Location"] == "/north/below/"


def test_logs_say_no_address_and_nothing_that_was_typed(office, capsys):
    import logging

    from edge_daemon_office.logs import DiscreetFormatter

    record = logging.LogRecord(
        "django.request", 40, "x", 1, "Internal Server Error: %s", ("/north/students/S1/",), None
    )
    record.status_code = 500
    try:
        raise ValueError("S1")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    line = DiscreetFormatter().format(record)
    assert "ValueError at" in line
    assert "S1" not in line
    assert "status 500" in line

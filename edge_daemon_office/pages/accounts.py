"""Signing in and out, the second factor, the password."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Final

import segno
from django.conf import settings
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from edge_daemon_office.pages.wording import t
from edge_daemon_office.people import totp
from edge_daemon_office.people.activity import note
from edge_daemon_office.people.gate import PASSED_TOTP
from edge_daemon_office.people.models import Account
from edge_daemon_office.people.rights import START
from edge_daemon_office.people.sign_in import note_failure, note_success, take_code

_NEXT: Final = "next_page"
_NEW_TOTP: Final = "new_totp"
_CODE_TIME: Final = timedelta(minutes=10)
_SINCE: Final = "password_at"
_WRONG: Final = "This did not work. Check name and password; after several tries the account is locked for a while."


def start(request: HttpRequest) -> HttpResponse:
    """Redirect to the first page of the account's role."""
    account = request.user
    return HttpResponseRedirect(reverse(START[account.role], args=[account.school]))


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password."""
    error = ""
    if request.method == "POST":
        account = authenticate(
            request, username=request.POST.get("username", ""), password=request.POST.get("password", "")[:1000]
        )
        if account is not None:
            target = request.POST.get("next", "")
            login(request, account)
            if url_has_allowed_host_and_scheme(target, {request.get_host()}):
                request.session[_NEXT] = target
            request.session[_SINCE] = datetime.now(timezone.utc).isoformat()
            if account.has_totp:
                return HttpResponseRedirect(reverse("code"))
            return _let_in(request, account)
        error = t(_WRONG)
    values = {"error": error, "next": request.GET.get("next", request.POST.get("next", ""))}
    return render(request, "office/sign_in.html", values, status=403 if error else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def give_code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the second factor, for ten minutes after the password."""
    account, error = request.user, ""
    since = request.session.get(_SINCE, "")
    is_late = not since or datetime.now(timezone.utc) - datetime.fromisoformat(since) > _CODE_TIME
    if not account.is_authenticated or not account.has_totp or is_late:
        logout(request)
        return HttpResponseRedirect(reverse("sign-in"))
    if request.method == "POST":
        if take_code(account, request.POST.get("code", "")[:20]):
            request.session.cycle_key()
            request.session[PASSED_TOTP] = True
            return _let_in(request, account)
        error = t("This code is wrong, or was used already.")
    return render(request, "office/code.html", {"error": error}, status=403 if error else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Set up the second factor; the secret is stored only after the user has entered one of its codes."""
    account, error = request.user, ""
    if account.has_totp:
        return HttpResponseRedirect(reverse("start"))
    secret = request.session.setdefault(_NEW_TOTP, totp.new_secret())
    if request.method == "POST":
        now_s = datetime.now(timezone.utc).timestamp()
        step = totp.matching_step(secret, request.POST.get("code", "")[:20], now_s, 0)
        if step is not None:
            sealed = totp.sealed(secret, settings.SECRET_KEY)
            Account.objects.filter(pk=account.pk, totp_sealed="").update(totp_sealed=sealed, totp_step=step)
            del request.session[_NEW_TOTP]
            request.session[PASSED_TOTP] = True
            note(account.school, account.username, "second factor set up")
            return _let_in(request, account)
        note_failure(account)
        error = t("This code is wrong. Check that the telephone's clock is right.")
    address = totp.address(secret, account.username, "Attendance")
    picture = segno.make(address, error="m").svg_data_uri(scale=4, border=4, dark="#000", light="#fff")
    values = {
        "secret": " ".join(secret[n : n + 4] for n in range(0, len(secret), 4)),
        "picture": picture,
        "error": error,
    }
    return render(request, "office/second_factor.html", values, status=403 if error else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return HttpResponseRedirect(reverse("sign-in"))


@sensitive_post_parameters("old", "new", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Let a person choose another password; other sessions of the account end."""
    account, errors = request.user, []
    if request.method == "POST":
        new = request.POST.get("new", "")[:1000]
        if not account.check_password(request.POST.get("old", "")[:1000]):
            note_failure(account)
            errors.append(t("The old password is wrong."))
        elif new != request.POST.get("again", ""):
            errors.append(t("The two new passwords differ."))
        else:
            try:
                validate_password(new, account)
            except ValidationError as error:
                errors += error.messages
        if not errors:
            account.set_password(new)
            account.save(update_fields=["password"])
            update_session_auth_hash(request, account)
            note(account.school, account.username, "password changed")
            request.session["said"] = t("The password is changed.")
            return HttpResponseRedirect(reverse("start"))
    return render(request, "office/password.html", {"errors": errors}, status=403 if errors else 200)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's form
    """Answer that a page does not exist, also if it belongs to another school."""
    values: dict[str, Any] = {}
    return render(request, "office/not_found.html", values, status=404)


def _let_in(request: HttpRequest, account: Account) -> HttpResponse:
    note_success(account)
    note(account.school, account.username, "signed in")
    return HttpResponseRedirect(request.session.pop(_NEXT, "") or reverse("start"))

"""Signing in with the school's own provider (OpenID Connect, by django-allauth, an extra of the office).

The provider says who a person is. What they may see depends on an account of the office, which must exist before.
Signing in makes no account, and nothing of the provider's answer is stored.
"""

from __future__ import annotations

from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from edge_daemon_office.people.activity import note
from edge_daemon_office.people.gate import PASSED_TOTP
from edge_daemon_office.people.models import Account
from edge_daemon_office.people.sign_in import may_sign_in, note_success

_BACKEND: Final = "edge_daemon_office.people.sign_in.AccountBackend"
_NOBODY: Final = "The school's sign-in knows you, and this office has no account for you. Ask the office for one."
_FAILED: Final = "The school's sign-in did not work. Try it again."


class OfficeSocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Signs in people whom the provider identifies and who have an account of the office."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Sign in the account that the provider's claim names, or show a refusal; nobody is signed up."""
        provider = settings.OFFICE.oidc
        account = account_of(provider.claim, _claims(sociallogin.account.extra_data))
        if account is None or not may_sign_in(account):
            raise ImmediateHttpResponse(_refusal(request, _NOBODY))
        login(request, account, backend=_BACKEND)
        if provider.second_factor == "provider":
            request.session[PASSED_TOTP] = True
        note_success(account)
        note(account.school, account.username, "signed in", detail="by the school's sign-in")
        raise ImmediateHttpResponse(HttpResponseRedirect(reverse("start")))

    def on_authentication_error(self, request: HttpRequest, provider: Any, **_: Any) -> None:  # noqa: ARG002
        """Show the page for a failed sign-in: the provider refused, or its answer is invalid."""
        raise ImmediateHttpResponse(_refusal(request, _FAILED))

    def is_open_for_signup(self, *_: Any) -> bool:
        """Return False, because signing in makes no account."""
        return False


class OfficeAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Turns off the sign-up of django-allauth."""

    def is_open_for_signup(self, *_: Any) -> bool:
        """Return False, because there is no sign-up."""
        return False


def account_of(claim: str, claims: dict[str, Any]) -> Account | None:
    """Return the account that a claim names; None if there is none, or more than one.

    A mail address counts only if the provider says that it is verified, and if only one account has it.
    """
    value = claims.get(claim)
    if not isinstance(value, str) or not value.strip():
        return None
    if claim != "email":
        return Account.objects.filter(username=value.strip().lower()).first()
    if claims.get("email_verified") is not True:
        return None
    found = list(Account.objects.filter(email__iexact=value.strip())[:2])
    return found[0] if len(found) == 1 else None


def _claims(data: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of the ID token and of the user-info answer; if both have a claim, the latter counts."""
    found = {**(data.get("id_token") or {}), **(data.get("userinfo") or {})}
    return found or data


def _refusal(request: HttpRequest, words: str) -> Any:
    from edge_daemon_office.pages.wording import t  # the pages import this package

    return render(request, "office/sign_in.html", {"error": t(words), "next": ""}, status=403)

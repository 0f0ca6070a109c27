"""`account`: manages the people who may sign in."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from edge_daemon_office.cli.help_page import WholeSummaries
from edge_daemon_office.cli.known_names import warn_of_courses
from edge_daemon_office.cli.opening import open_office, schools_of
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import OfficeHome

_ROLES = ("teacher", "office", "head", "technician", "dpo")


@click.group(cls=WholeSummaries)
def account() -> None:
    """Manage accounts: the people who may sign in, their roles and their courses."""


@account.command()
@click.argument("username")
@click.option("--role", type=click.Choice(_ROLES), required=True)
@click.option("--name", required=True, help="The name shown in corrections, such as 'Ms Weber'.")
@click.option("--title", default="", help="The person's position at the school.")
@click.option("--email", default="", help="Mail address for alerts.")
@click.option("--course", "courses", multiple=True, help="A teacher's course; may be repeated. * is every course.")
@click.option("--school", metavar="ID", help="Needed if the office has several schools.")
@click.pass_obj
def add(
    folder: Path,
    username: str,
    role: str,
    name: str,
    title: str,
    email: str,
    courses: tuple[str, ...],
    school: str | None,
) -> None:
    """Add an account; its first password is shown once."""
    home = open_office(folder)
    schools = schools_of(home, school)
    if len(schools) > 1:
        raise OfficeError("this office has several schools", "--school", "name the account's school")
    if courses and role != "teacher":
        raise OfficeError("is for teachers", "--course", "the other roles see every course, or none")
    password = make_account(home, schools[0].school, username, role, name, title=title, email=email, courses=courses)
    warn_of_courses(schools[0].school, courses)
    click.echo(f"{username}: first password {password} (change it after signing in)")


def make_account(
    home: OfficeHome,
    school: str,
    username: str,
    role: str,
    name: str,
    *,
    title: str = "",
    email: str = "",
    courses: tuple[str, ...] = (),
) -> str:
    """Make an account and return its first password.

    Raises:
        OfficeError: the name is taken or invalid.
    """
    from django.db import IntegrityError, transaction

    from edge_daemon_office.people.activity import note
    from edge_daemon_office.people.models import Account, TaughtCourse

    username = username.strip().lower()
    if not username or not username.isprintable() or len(username) > 100:
        raise OfficeError("is not a name for an account", "USERNAME", "use 1 to 100 characters")
    if school not in home.schools:
        raise OfficeError("is not a school of this office", school, f"use {', '.join(home.schools)}")
    password = secrets.token_urlsafe(12)
    made = Account(username=username, school=school, role=role, name=name.strip()[:200], title=title.strip()[:100])
    made.email = email.strip()[:200]
    made.set_password(password)
    try:
        with transaction.atomic():
            made.save()
            TaughtCourse.objects.bulk_create([TaughtCourse(account=made, course=one) for one in dict.fromkeys(courses)])
            note(school, "", "account added", detail=f"{username}: {role}")
    except IntegrityError as error:
        raise OfficeError("is taken", username, "see `account list`") from error
    return password


@account.command("list")
@click.pass_obj
def list_accounts(folder: Path) -> None:
    """Show all accounts."""
    open_office(folder)
    from edge_daemon_office.people.models import Account

    for one in Account.objects.order_by("school", "username"):
        courses = ", ".join(one.taught.values_list("course", flat=True))
        states = [
            word for word, holds in (("disabled", not one.is_active), ("no second factor", not one.has_totp)) if holds
        ]
        parts = [one.school, one.username, one.role, one.name, courses, ", ".join(states)]
        click.echo("; ".join(part for part in parts if part))


@account.command("set")
@click.argument("username")
@click.option("--password", "new_password", is_flag=True, help="A new first password; it is shown once.")
@click.option("--unlock", is_flag=True, help="End a lock-out.")
@click.option(
    "--reset-second-factor", "reset", is_flag=True, help="Remove the second factor; the person sets up a new one."
)
@click.option("--disable/--enable", "disable", default=None, help="Whether the account may sign in.")
@click.option("--email", help="Address for alerts; '' removes it.")
@click.option("--course", "courses", multiple=True, help="The teacher's courses; they replace the earlier ones.")
@click.pass_obj
def set_account(
    folder: Path,
    username: str,
    new_password: bool,
    unlock: bool,
    reset: bool,
    disable: bool | None,
    email: str | None,
    courses: tuple[str, ...],
) -> None:
    """Change an account."""
    open_office(folder)
    from django.db import transaction

    from edge_daemon_office.people.activity import note
    from edge_daemon_office.people.models import Account, TaughtCourse

    found = Account.objects.filter(username=username.strip().lower()).first()
    if found is None:
        raise OfficeError("is not an account", username, "see `account list`")
    done = []
    with transaction.atomic():
        if new_password:
            password = secrets.token_urlsafe(12)
            found.set_password(password)
            done.append("new password")
        if unlock:
            found.failed, found.locked_until = 0, None
            done.append("unlocked")
        if reset:
            found.totp_sealed, found.totp_step = "", 0
            done.append("second factor reset")
        if disable is not None:
            found.is_active = not disable
            done.append("disabled" if disable else "enabled")
        if email is not None:
            found.email = email.strip()[:200]
            done.append("address changed")
        if courses:
            found.taught.all().delete()
            TaughtCourse.objects.bulk_create(
                [TaughtCourse(account=found, course=one) for one in dict.fromkeys(courses)]
            )
            done.append("courses changed")
        if not done:
            raise OfficeError("nothing to change was named", username, "see `account set --help`")
        found.save()
        note(found.school, "", "account changed", detail=f"{found.username}: {', '.join(done)}")
    warn_of_courses(found.school, courses)
    click.echo(f"{found.username}: {', '.join(done)}")
    if new_password:
        click.echo(f"first password {password}")

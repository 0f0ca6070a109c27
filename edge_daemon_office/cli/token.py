"""`token`: manages the access of other systems."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import click

from edge_daemon_office.cli.help_page import WholeSummaries
from edge_daemon_office.cli.opening import open_office, schools_of
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import OfficeHome, School

_school = click.option("--school", metavar="ID", help="Needed if the office has several schools.")


@click.group(cls=WholeSummaries)
def token() -> None:
    """Manage tokens of the read API, each for one school and some scopes."""


@token.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="lessons, marks, students, excuses or rooms.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="Last day on which it may read.")
@_school
@click.pass_obj
def add(folder: Path, name: str, scopes: tuple[str, ...], expires: datetime | None, school: str | None) -> None:
    """Make a token called NAME, such as the name of the reading system; it is shown once."""
    home = open_office(folder)
    from edge_daemon_office.interfaces.tokens import make_token

    one = only_school(home, school)
    end = None if expires is None else expires.replace(tzinfo=one.zone) + timedelta(days=1)
    made = make_token(one.school, name, scopes, datetime.now(timezone.utc), end)
    click.echo(f"{made}\nread {one.school} with it: Authorization: Bearer TOKEN, below /api/v1/{one.school}/")


@token.command("list")
@click.pass_obj
def list_tokens(folder: Path) -> None:
    """Show the tokens by name: scopes, end, last use."""
    home = open_office(folder)
    from edge_daemon_office.interfaces.models import ApiToken
    from edge_daemon_office.scope import use_school

    for school in home.schools:
        use_school(school)
        for one in ApiToken.objects.filter(school=school).order_by("name"):
            last = one.expires_at and one.expires_at - timedelta(seconds=1)
            end = f"until {last:%Y-%m-%d}" if last else "without an end"
            used = f"used {one.used_at:%Y-%m-%d}" if one.used_at else "never used"
            click.echo(f"{school}; {one.name}; {one.scopes}; {end}; {used}")


@token.command()
@click.argument("name")
@_school
@click.pass_obj
def revoke(folder: Path, name: str, school: str | None) -> None:
    """Revoke a token; it can read nothing any more."""
    home = open_office(folder)
    from edge_daemon_office.interfaces.tokens import revoke as revoke_token

    if not revoke_token(only_school(home, school).school, name):
        raise OfficeError("is not a token", name, "see `token list`")
    click.echo(f"revoked: {name}")


def only_school(home: OfficeHome, school: str | None) -> School:
    """Return the named school, or the only one.

    Raises:
        OfficeError: the office has several schools, and none was named.
    """
    found = schools_of(home, school)
    if len(found) > 1:
        raise OfficeError("this office has several schools", "--school", f"name one of {', '.join(home.schools)}")
    return found[0]

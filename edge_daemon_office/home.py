"""The office's folder: its settings (`office.toml`), its secret, its keys and its database."""

from __future__ import annotations

import re
import secrets
import sys
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from edge_daemon_office.decisions.excuse_codes import DEFAULT
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.interfaces.settings import CsvTemplate, EdFiSettings, csv_templates, edfi_settings
from edge_daemon_office.settings_reader import SettingsReader

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SETTINGS: Final = "office.toml"
_SCHOOL_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_ADDRESS: Final = re.compile(r"[^\s<>(),:;\"@]+@[^\s<>(),:;\"@]+")
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]-]+")
_OF_A_SCHOOL: Final = frozenset(
    (
        *("name", "time_zone", "tree", "keys", "roster", "limit_percent", "consecutive_days", "excuse_codes"),
        *("csv", "edfi", "server", "keep_registers_days", "keep_decisions_days"),
        "gone_devices",
    )
)
_FEWEST_DAYS_KEPT: Final = 62
"""Least retention in days, because pages, excuses and Ed-Fi look back 60 days."""
TOTP: Final = ("required", "optional")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """A server; the tree is a copy of its documents."""

    url: str
    """Address of the server, like `upstream.url` of the devices."""
    token: str = field(repr=False)
    username: str = ""
    ca_file: str = ""
    kind: str = "api"
    """As `upstream.kind` of the devices: `api`, or `webdav` for folders."""

    def authorization(self) -> dict[str, str]:
        """Return the HTTP header with the office's login: basic authentication or a bearer token."""
        if not self.username:
            return {"Authorization": f"Bearer {self.token}"}
        words = b64encode(f"{self.username}:{self.token}".encode()).decode("ascii")
        return {"Authorization": f"Basic {words}"}


@dataclass(frozen=True, slots=True)
class School:
    """A school of this office."""

    school: str
    """Short name of the school, part of the key of every row and of the address of every page."""
    name: str
    zone: ZoneInfo
    tree: Path
    """The folder to which the devices' `upstream.url` leads."""
    keys: Path
    """CSV file device,public_key: the only trusted keys."""
    roster: Path
    """CSV file student_id,name,courses."""
    limit_percent: int
    """The page *Low attendance* lists students whose rate of presence is below this."""
    excuse_codes: Mapping[str, str]
    """Excuse codes, with their words."""
    consecutive_days: int
    """A student is listed after this many days of unexcused absence in a row."""
    csv: Mapping[str, CsvTemplate] = field(default_factory=dict)
    """Templates of `export --csv`, by name."""
    gone_devices: tuple[str, ...] = ()
    """Devices that sign nothing any more: the office signs decisions in their place."""
    keep_registers_days: int = 0
    """Days after which lessons and marks are deleted; 0: never."""
    keep_decisions_days: int = 0
    """Days after which decisions, excuses and activities are deleted; 0: never."""
    server: ServerSettings | None = None
    """The server of which the tree is a copy; None if the tree is its own folder, or is synced or mounted."""
    edfi: EdFiSettings | None = None
    """The Ed-Fi system to which attendance is sent; None: nothing is sent."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server for alerts; never used without encryption."""

    host: str
    port: int
    security: str
    """`starttls` or `tls`."""
    sender: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """The school's own sign-in, an OpenID Connect provider."""

    name: str
    """Text of the sign-in button."""
    url: str
    """Address of the issuer, without `/.well-known/…`."""
    client_id: str
    client_secret: str = field(repr=False)
    claim: str = "preferred_username"
    """Key of the provider's answer that names the account; `email` names it by its verified address."""
    second_factor: str = "office"
    """`office`: the office asks for the code of a second factor. `provider`: the provider asks for one itself."""


@dataclass(frozen=True, slots=True)
class OfficeHome:
    """The office's folder with its settings."""

    folder: Path
    schools: Mapping[str, School]
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1")
    """Host names under which a browser may reach the office."""
    https: bool = True
    """False only for a trial on one computer."""
    listen: str = "127.0.0.1:8470"
    database: str = ""
    """Address of a PostgreSQL database; empty for `office.sqlite` in the folder."""
    language: str = "en"
    totp: str = "required"
    """Whether every account needs a second factor."""
    oidc: OidcSettings | None = None
    """The school's own sign-in; None: accounts sign in with passwords alone."""
    mail: MailSettings | None = None
    """The mail server for alerts; None: no alerts are sent by mail."""

    @property
    def sqlite_path(self) -> Path:
        """The database file, if no address of another database is set."""
        return self.folder / "office.sqlite"

    def secret(self) -> str:
        """Return the secret that signs sessions, made at the first call."""
        return private_file(self.folder / "secret-key", lambda: secrets.token_urlsafe(64)).strip()


def private_file(path: Path, make: Any) -> str:
    """Return the text of a file that only its owner may read; the first call makes it.

    Raises:
        OfficeError: the file can't be read or written.
    """
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(make() + "\n", "ascii")
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise OfficeError(f"can't be used: {error}", str(path), "check its owner and its rights") from error


def read_home(folder: Path) -> OfficeHome:
    """Return the office's folder with its settings.

    Raises:
        OfficeError: there is no `office.toml`, or one of its values is wrong.
    """
    path = folder / SETTINGS
    try:
        top = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        hint = f"make it with `edge-daemon-office --home {folder} init`"
        raise OfficeError("is not the folder of an office", str(folder), hint) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OfficeError(f"can't be read: {error}", str(path), "correct the file") from error
    return _Reader(folder, path).home(top)


class _Reader(SettingsReader):
    """Checks the values of `office.toml`."""

    def home(self, top: Mapping[str, Any]) -> OfficeHome:
        self.known("", top, {"office", "schools", "mail"})
        office = self.table("office", top.get("office", {}))
        self.known("office.", office, {"hosts", "https", "listen", "database", "language", "totp", "oidc"})
        schools = self.table("schools", top.get("schools", {}))
        if not schools:
            raise self.error("schools", "has no school", "add a table such as [schools.north]")
        hosts = office.get("hosts", ["localhost", "127.0.0.1"])
        if not isinstance(hosts, list) or not all(isinstance(one, str) and _HOST.fullmatch(one) for one in hosts):
            raise self.error("office.hosts", "is not a list of host names", 'write hosts = ["office.example.org"]')
        totp = self.text("office.totp", office.get("totp", "required"))
        if totp not in TOTP:
            raise self.error("office.totp", f"is {totp!r}", "write required or optional")
        https = office.get("https", True)
        if not isinstance(https, bool):
            raise self.error("office.https", "is neither true nor false", "write true")
        return OfficeHome(
            folder=self.folder,
            schools={name: self._school(name, self.table(f"schools.{name}", one)) for name, one in schools.items()},
            hosts=tuple(hosts),
            https=https,
            listen=self.text("office.listen", office.get("listen", "127.0.0.1:8470")),
            database=self.text("office.database", office.get("database", "")),
            language=self.text("office.language", office.get("language", "en")),
            totp=totp,
            oidc=self._oidc(self.table("office.oidc", office["oidc"])) if "oidc" in office else None,
            mail=self._mail(self.table("mail", top["mail"])) if "mail" in top else None,
        )

    def _oidc(self, table: Mapping[str, Any]) -> OidcSettings:
        self.known("office.oidc.", table, {"name", "url", "client_id", "secret_file", "claim", "second_factor"})
        text = {key: self.text(f"office.oidc.{key}", value) for key, value in table.items()}
        for key in ("url", "client_id", "secret_file"):
            if not text.get(key):
                raise self.error(f"office.oidc.{key}", "is missing", "docs/OFFICE.md has an example")
        url = text["url"].rstrip("/")
        if not re.fullmatch(r"https://[^\s?#@;]+|http://(localhost|127\.0\.0\.1)(:\d+)?(/[^\s?#;]*)?", url):
            raise self.error("office.oidc.url", "is not an https address", "write the provider's issuer")
        second = text.get("second_factor", "office")
        if second not in ("office", "provider"):
            raise self.error("office.oidc.second_factor", f"is {second!r}", "write office or provider")
        path = self.path("office.oidc.secret_file", text["secret_file"])
        try:
            secret = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self.error("office.oidc.secret_file", f"can't be read: {error}", "make it, mode 600") from error
        claim = text.get("claim", "preferred_username")
        return OidcSettings(text.get("name", "the school's sign-in"), url, text["client_id"], secret, claim, second)

    def _mail(self, table: Mapping[str, Any]) -> MailSettings:
        self.known("mail.", table, {"host", "port", "security", "from", "username", "password_file", "ca_file"})
        text = {key: self.text(f"mail.{key}", value) for key, value in table.items() if key != "port"}
        for key in ("host", "from"):
            if not text.get(key):
                raise self.error(f"mail.{key}", "is missing", "alerts need a mail server and a sender")
        security = text.get("security", "starttls")
        if security not in ("starttls", "tls"):
            raise self.error("mail.security", f"is {security!r}", "write starttls or tls")
        if not _ADDRESS.fullmatch(text["from"]):
            raise self.error("mail.from", "is not a mail address", "write attendance@school.example")
        password = ""
        if "password_file" in text:
            path = self.path("mail.password_file", text["password_file"])
            try:
                password = path.read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise self.error("mail.password_file", f"can't be read: {error}", "make it, mode 600") from error
        port = self.whole("mail.port", table.get("port", 587 if security == "starttls" else 465), 1, 65535)
        ca_file = str(self.path("mail.ca_file", text["ca_file"])) if text.get("ca_file") else ""
        return MailSettings(text["host"], port, security, text["from"], text.get("username", ""), password, ca_file)

    def _school(self, school: str, table: Mapping[str, Any]) -> School:
        where = f"schools.{school}"
        if not _SCHOOL_ID.fullmatch(school):
            raise self.error(where, "is not a short name", "use small letters, digits and -, 40 at most")
        self.known(f"{where}.", table, _OF_A_SCHOOL)
        zone = self.text(f"{where}.time_zone", table.get("time_zone", "UTC"))
        try:
            zone_info = ZoneInfo(zone)
        except (ValueError, OSError, KeyError) as error:
            raise self.error(f"{where}.time_zone", f"{zone!r} is not a time zone", "write Europe/Berlin") from error
        if "tree" not in table:
            raise self.error(f"{where}.tree", "is missing", "name the folder that upstream.url leads to")
        return School(
            school=school,
            name=self.text(f"{where}.name", table.get("name", school)),
            zone=zone_info,
            tree=self.path(f"{where}.tree", table["tree"]),
            keys=self.path(f"{where}.keys", table.get("keys", f"{school}-keys.csv")),
            roster=self.path(f"{where}.roster", table.get("roster", f"{school}-roster.csv")),
            limit_percent=self.whole(f"{where}.limit_percent", table.get("limit_percent", 85), 1, 100),
            excuse_codes=self._codes(f"{where}.excuse_codes", table.get("excuse_codes", DEFAULT)),
            consecutive_days=self.whole(f"{where}.consecutive_days", table.get("consecutive_days", 3), 2, 60),
            gone_devices=self._texts(f"{where}.gone_devices", table.get("gone_devices", [])),
            keep_registers_days=self._keep(where, "keep_registers_days", table),
            keep_decisions_days=self._keep(where, "keep_decisions_days", table),
            csv=csv_templates(self, f"{where}.csv", table.get("csv", {})),
            server=self._server(f"{where}.server", table["server"]) if "server" in table else None,
            edfi=edfi_settings(self, f"{where}.edfi", table["edfi"], school) if "edfi" in table else None,
        )

    def _texts(self, where: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.error(where, "is not a list of names", 'write gone_devices = ["room 204"]')
        return tuple(dict.fromkeys(value))

    def _keep(self, where: str, key: str, table: Mapping[str, Any]) -> int:
        days = self.whole(f"{where}.{key}", table.get(key, 0), 0, 36_500)
        if 0 < days < _FEWEST_DAYS_KEPT:
            raise self.error(
                f"{where}.{key}", "is too short: pages look back 60 days", f"write 0 or {_FEWEST_DAYS_KEPT} or more"
            )
        return days

    def _server(self, where: str, value: object) -> ServerSettings:
        table = self.table(where, value)
        self.known(f"{where}.", table, {"url", "token_file", "username", "ca_file", "kind"})
        text = {key: self.text(f"{where}.{key}", one) for key, one in table.items()}
        url = text.get("url", "").rstrip("/")
        if not re.fullmatch(r"https://[^\s?#@]+", url):
            raise self.error(f"{where}.url", "is not an https address", "write what upstream.url of the devices says")
        if (kind := text.get("kind", "api")) not in ("api", "webdav"):
            raise self.error(f"{where}.kind", f"is {kind!r}", "write api or webdav, as upstream.kind of the devices")
        path = self.path(f"{where}.token_file", text.get("token_file", "server-token"))
        try:
            token = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self.error(f"{where}.token_file", f"can't be read: {error}", "make it, mode 600") from error
        ca_file = str(self.path(f"{where}.ca_file", text["ca_file"])) if text.get("ca_file") else ""
        return ServerSettings(url, token, text.get("username", ""), ca_file, kind)

    def _codes(self, where: str, value: object) -> Mapping[str, str]:
        table = self.table(where, value)
        for code, words in table.items():
            if not _CODE.fullmatch(code) or not isinstance(words, str):
                raise self.error(f"{where}.{code}", "is not a code with its words", 'write illness = "Illness"')
        return dict(table)

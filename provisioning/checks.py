"""Checks for the cells of the list. Each returns the problem in the technician's terms; empty: none.

No message contains a password or a token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from provisioning.countries import CODES

_DEVICE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HEX_KEY = re.compile(r"[0-9A-Fa-f]{64}")
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0", "")
NETWORKS = ("wifi", "wired", "none")
CLOCKS = ("pi5", "ds3231", "ds1307", "pcf8523", "pcf8563", "pcf85063a", "rv3028")
"""The Raspberry Pi 5's own clock, and chips of the overlay `i2c-rtc`."""
SECURITIES = ("wpa2", "wpa3", "open")


def is_yes(cell: str) -> bool:
    """Return whether a cell means yes."""
    return cell.lower() in _YES


def device_problem(name: str) -> str:
    """Check a device's name, which is also its host name (RFC 1123) and a folder on the server."""
    if name == "localhost":
        return "is the name of every computer for itself: it becomes the host name"
    if _DEVICE.fullmatch(name):
        return ""
    return "use up to 63 of a-z, 0-9 and -, as in room-7: it becomes the host name"


def zone_problem(name: str) -> str:
    """Check a time zone, which must be a name of the IANA database."""
    zones = available_timezones()
    if not zones:
        return "this computer has no time zones to compare with: pip install tzdata"
    if name in zones:
        return ""
    near = get_close_matches(name.replace(" ", "_"), sorted(zones), n=1, cutoff=0.5)
    return f"“{name}” is not a time zone of the IANA database{f'; did you mean {near[0]}?' if near else ''}"


def country_problem(code: str) -> str:
    """Check a country code, which a Wi-Fi radio needs before it may transmit."""
    if code.upper() in CODES:
        return ""
    return f"“{code}” is not a country code of two letters such as DE, GB, FR (ISO 3166)"


def ssid_problem(ssid: str) -> str:
    """Check a network's name, which has at most 32 bytes (IEEE 802.11)."""
    length = len(ssid.encode("utf-8"))
    return f"has {length} bytes, a network's name at most 32" if length > 32 else ""


def password_problem(password: str, security: str) -> str:
    """Check a WPA password, which has 8 to 63 bytes. 64 hexadecimal digits are a key, which WPA3 does not accept."""
    if security == "open":
        return "an open network has none: leave it empty" if password else ""
    length = len(password.encode("utf-8"))
    if not password:
        return "is empty; for a network without password say so: wifi_security open"
    if security == "wpa2" and _HEX_KEY.fullmatch(password):
        return ""
    if length < 8:
        return f"has {length} characters; the least is 8"
    if length > 63:
        return f"has {length} bytes; the most is 63 (or 64 hexadecimal digits: the key itself)"
    return ""


def url_problem(url: str) -> str:
    """Check a server's address: HTTPS only, and without a token in it."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return f"is not an address: {error}"
    if parts.scheme != "https":
        return "has to begin with https://"
    if not parts.hostname or not re.fullmatch(r"[A-Za-z0-9.:_-]+", parts.hostname):
        return "names no server, as in https://office.example.org/attendance"
    if parts.username or parts.password:
        return "has a password in it: put it into a file, and name that in upstream_token_file"
    if parts.query or parts.fragment or " " in url:
        return "has a blank, a ? or a # in it; it is the address that /v1/… is put behind"
    return ""


def secret_problem(content: bytes) -> str:
    """Check that a token or password is one line of text."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    return "" if text.isprintable() else "has more than one line, or a control character"


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    return lambda cell: "" if cell in choices else f"expected one of {', '.join(choices)}, found “{cell}”"


def _yes_or_no(cell: str) -> str:
    return "" if cell.lower() in (*_YES, *_NO) else f"expected yes or no, found “{cell}”"


CELLS: Mapping[str, Callable[[str], str]] = {
    "device": device_problem,
    "time_zone": zone_problem,
    "wifi_ssid": ssid_problem,
    "wifi_country": country_problem,
    "wifi_security": _one_of(SECURITIES),
    "wifi_hidden": _yes_or_no,
    "network": _one_of(NETWORKS),
    "rtc": _one_of(CLOCKS),
    "watchdog": _yes_or_no,
    "upstream_url": url_problem,
}
"""Maps a column to its check, for cells that are not empty."""

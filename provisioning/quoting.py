"""Quotes text for the file formats of a card: YAML, shell, TOML, NetworkManager's keyfile.

All text is printable, because provisioning.checks refuses line breaks and control characters.
"""

from __future__ import annotations

import hashlib
import json
import re

_PLAIN_SSID = re.compile(r"[A-Za-z0-9_.+@/-](?:[A-Za-z0-9_.+@/ -]*[A-Za-z0-9_.+@/-])?")


def yaml_text(text: str) -> str:
    """Return a double-quoted YAML 1.2 scalar. JSON's escapes are valid in YAML, and other characters stay unchanged."""
    return json.dumps(text, ensure_ascii=False)


def toml_text(text: str) -> str:
    """Return a TOML 1.0 basic string; TOML has the same escapes as JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def shell_word(text: str) -> str:
    """Return one word of a POSIX shell with exactly this text."""
    return "'" + text.replace("'", "'\\''") + "'"


def keyfile_ssid(ssid: str) -> str:
    """Return the value of `ssid=` (nm-settings-keyfile(5)): plain text without special characters, otherwise its bytes.

    A list of bytes needs no escapes and is unambiguous; a plain text of digits and semicolons could look like one.
    """
    if _PLAIN_SSID.fullmatch(ssid) and not ssid.isdigit():
        return ssid
    return "".join(f"{byte};" for byte in ssid.encode("utf-8"))


def keyfile_text(text: str) -> str:
    """Return a string value of a GKeyFile: backslashes are doubled, a leading or trailing blank is `\\s`."""
    escaped = text.replace("\\", "\\\\")
    body = escaped.strip(" ")
    if not body:
        return "\\s" * len(escaped)
    before = len(escaped) - len(escaped.lstrip(" "))
    after = len(escaped) - len(escaped.rstrip(" "))
    return "\\s" * before + body + "\\s" * after


def pre_shared_key(ssid: str, password: str) -> str:
    """Return the 64 hexadecimal digits that WPA2 derives from a password (IEEE 802.11, annex J.4).

    It is PBKDF2-SHA1 with 4096 rounds. The card therefore does not contain the password, and the key needs no quotes.
    """
    return hashlib.pbkdf2_hmac("sha1", password.encode("utf-8"), ssid.encode("utf-8"), 4096, 32).hex()

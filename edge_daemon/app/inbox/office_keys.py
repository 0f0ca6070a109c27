"""The pinned public keys of the office. With a pinned key, lists of corrections and of excuses need
its signature.

A key comes from the settings (`upstream.office_keys`, filled in by a card) or from `office-key pin`, which stores it in
the state folder. Two keys may be pinned, because both are valid while an office changes its key.
"""

from __future__ import annotations

import json
import re
from typing import Final

from edge_daemon.delivery.pull import put
from edge_daemon.device.signing import fingerprint, text_signer
from edge_daemon.errors import DeliveryError, StoreError
from edge_daemon.home import Home

MOST: Final = 2
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_FILE: Final = "office-keys"


def pinned_keys(home: Home) -> tuple[str, ...]:
    """Return the pinned keys, each once, those of the settings first.

    Raises:
        DeliveryError: a key is invalid, or there are more than two.
        StoreError: the file of pinned keys can't be read.
    """
    keys = tuple(dict.fromkeys((*_of_settings(home), *_of_file(home))))
    wrong = [key for key in keys if not _KEY.fullmatch(key)]
    if wrong:
        raise DeliveryError("is not a public key of an office", f"office key {wrong[0][:12]}", "64 hexadecimal digits")
    if len(keys) > MOST:
        hint = "remove the old one: `edge-daemon office-key unpin`, or upstream.office_keys"
        raise DeliveryError(f"{len(keys)} office keys are pinned, at most {MOST} may be", "office keys", hint)
    return keys


def with_fingerprints(home: Home) -> list[tuple[str, str]]:
    """Return each pinned key with its fingerprint; raises the errors of `pinned_keys`."""
    return [(key, fingerprint(key)) for key in pinned_keys(home)]


def pin(home: Home, key: str) -> None:
    """Pin a key; a key that is pinned already changes nothing.

    Raises:
        DeliveryError: the key is invalid, or two others are pinned.
        StoreError: the state folder can't be written.
    """
    key = _written(key)
    if not _KEY.fullmatch(key):
        raise DeliveryError(
            "is not a public key of an office", "KEY", "64 hexadecimal digits: `edge-daemon-office key`"
        )
    pinned = pinned_keys(home)
    if key in pinned:
        return
    if len(pinned) == MOST:
        raise DeliveryError("two other keys are pinned", "KEY", "unpin the old one first")
    _keep(home, (*_of_file(home), key))


def unpin(home: Home, key: str) -> None:
    """Remove a pinned key.

    Raises:
        DeliveryError: the key is not pinned, or is in the settings.
        StoreError: the state folder can't be written.
    """
    key = _written(key)
    if key in _of_settings(home):
        raise DeliveryError("is in the settings", "KEY", f"remove it from upstream.office_keys, {home.config_path}")
    kept = _of_file(home)
    if key not in kept:
        raise DeliveryError("is not pinned", "KEY", "see `edge-daemon office-key list`")
    _keep(home, tuple(one for one in kept if one != key))


def check_signed(home: Home, data: bytes, document: str, kind: str) -> None:
    """Refuse a list unless a pinned key signed it for this device; without a pinned key every list passes.

    The signature is checked over the bytes as they arrived, before they are parsed.

    Args:
        home: the installation.
        data: the list.
        document: its name.
        kind: the required kind of list; the field `kind` has to match it.

    Raises:
        DeliveryError: the list is not signed by a pinned key, is of another kind, or is for another device.
        StoreError: the file of pinned keys can't be read.
    """
    keys = pinned_keys(home)
    if not keys:
        return
    hint = "ask the office to sign it, or see `edge-daemon office-key list`; nothing was changed"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DeliveryError("is not UTF-8", document, hint) from error
    if text_signer(text, keys) is None:
        raise DeliveryError("is not signed by an office key that is pinned here", document, hint)
    try:
        top = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DeliveryError("is signed, but is not JSON", document, hint) from error
    if not isinstance(top, dict) or top.get("kind") != kind:
        raise DeliveryError(f"is signed, but is not a list of {kind}", document, hint)
    if top.get("device") != home.config.device.name:
        raise DeliveryError("is signed for another device", document, hint)


def _written(key: str) -> str:
    return "".join(key.split()).lower()


def _of_settings(home: Home) -> tuple[str, ...]:
    return tuple(_written(key) for key in home.config.upstream.office_keys)


def _of_file(home: Home) -> tuple[str, ...]:
    path = home.state_dir / _FILE
    try:
        return tuple(path.read_text("ascii").split())
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        # An error must not count as "no key is pinned", because then unsigned lists would be accepted.
        raise StoreError("can't be read", str(path), "check its owner; restore it, or pin the keys again") from error


def _keep(home: Home, keys: tuple[str, ...]) -> None:
    home.ensure_state_dir()
    put(home.state_dir / _FILE, "".join(f"{key}\n" for key in keys).encode("ascii"))

"""One root for every error that a user can mend: what happened, where, and what to do."""

from __future__ import annotations

from typing import Final

_MOST_WHERE: Final = 600
_MOST_WHAT: Final = 2500
_MOST_HINT: Final = 600
"""Characters of the parts of a message: what is quoted may come out of a file that somebody else made."""


class EdgeError(Exception):
    """Base of all errors shown to a user, as one line on stderr.

    Args:
        what: what is wrong, in words of the user.
        where: file, line, key or id that it concerns.
        todo: what to do about it.
    """

    exit_code = 2

    def __init__(self, what: str, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(self.line())

    def line(self) -> str:
        """Return the message as one line without control characters, each part of it cut to what a person reads."""
        where, what = _shortened(self.where, _MOST_WHERE), _shortened(self.what, _MOST_WHAT)
        hint = _shortened(self.hint, _MOST_HINT)
        text = f"{where}: {what}" if where else what
        text = f"{text}; {hint}" if hint else text
        return "".join(c if c.isprintable() else " " for c in text)


def _shortened(text: str, most: int) -> str:
    """Return a text without its middle where it is too long: both ends say more."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} … {text[-half:]}"


class ConfigError(EdgeError):
    """The configuration file has a problem."""


class ModelError(EdgeError):
    """A model file is missing, changed or unusable."""


class RosterError(EdgeError):
    """The roster can't be read."""


class ImageFileError(EdgeError):
    """A picture file is cut off, damaged or of another kind."""


class PhotographError(EdgeError):
    """A photograph can't be used for enrolment."""


class GalleryError(EdgeError):
    """Templates can't be read, or do not belong to this device or these models."""


class CandidateFormatError(EdgeError):
    """Stored candidates of a capture have a form that this program does not read."""


class TimetableError(EdgeError):
    """A calendar file can't be read."""


class CameraError(EdgeError):
    """A picture can't be had from the source."""


class StoreError(EdgeError):
    """A database can't be opened, read or written."""


class DamageError(StoreError):
    """A database file is damaged: the next start of the service brings its last good backup back."""


class ServiceError(EdgeError):
    """The service can't start."""

    exit_code = 1


class RegisterError(EdgeError):
    """A register does not exist or can't be changed in this way."""


class KeyFileError(EdgeError):
    """A key or credential is missing or unusable."""


class CheckinNoteError(EdgeError):
    """A note of check-ins can't be taken; nothing was changed."""


class DeliveryError(EdgeError):
    """Settings, credentials or documents of delivery can't be used."""


class ProvisioningError(EdgeError):
    """A prepared card can't be taken over."""

    exit_code = 1


class LabError(EdgeError):
    """The laboratory can't do this, or must not."""


class UpdateError(EdgeError):
    """A release can't be taken: its bundle, or this device, is not as it has to be. Nothing was changed."""


class UpdateFailedError(EdgeError):
    """A release did not work here; the one before is in effect."""

    exit_code = 1

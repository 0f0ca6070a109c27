"""The errors that a user can fix. The message of each says what happened, where, and what to do."""

from __future__ import annotations

from typing import Final

_MOST_WHERE: Final = 600
_MOST_WHAT: Final = 2500
_MOST_HINT: Final = 600
"""Largest number of characters of each part of a message, because a part may quote a file from somebody else."""


class EdgeError(Exception):
    """Base of all errors that the program shows to a user, as one line on stderr.

    Args:
        what: what is wrong, in the user's terms.
        where: the file, line, key or id with the problem.
        hint: what to do about it.
    """

    exit_code = 2

    def __init__(self, what: str, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(self.line())

    def line(self) -> str:
        """Return the message as one line without control characters, each part shortened to a readable length."""
        where, what = _shortened(self.where, _MOST_WHERE), _shortened(self.what, _MOST_WHAT)
        hint = _shortened(self.hint, _MOST_HINT)
        text = f"{where}: {what}" if where else what
        text = f"{text}; {hint}" if hint else text
        return "".join(c if c.isprintable() else " " for c in text)


def _shortened(text: str, most: int) -> str:
    """Return a text, without its middle if it is too long. The start and the end are the most useful parts."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} … {text[-half:]}"


class ConfigError(EdgeError):
    """The configuration file has a problem."""


class ModelError(EdgeError):
    """A model file is missing, changed or unusable."""


class RosterError(EdgeError):
    """The roster can't be read."""


class ImageFileError(EdgeError):
    """A picture file is truncated, damaged or of an unsupported kind."""


class PhotographError(EdgeError):
    """A photograph can't be used for enrolment."""


class GalleryError(EdgeError):
    """Templates can't be read, or do not belong to this device or these models."""


class CandidateFormatError(EdgeError):
    """The stored candidates of a capture have a format that this program does not read."""


class TimetableError(EdgeError):
    """A calendar file can't be read."""


class CameraError(EdgeError):
    """The camera, or the file that replaces it, gives no picture."""


class StoreError(EdgeError):
    """A database can't be opened, read or written."""


class DamageError(StoreError):
    """A database file is damaged. The next start of the service restores its last good backup."""


class ServiceError(EdgeError):
    """The service can't start."""

    exit_code = 1


class RegisterError(EdgeError):
    """A register does not exist or does not allow this change."""


class KeyFileError(EdgeError):
    """A key or credential is missing or unusable."""


class CheckinNoteError(EdgeError):
    """The device refuses a signed note of check-ins from a computer at the door. Nothing was changed."""


class DeliveryError(EdgeError):
    """A setting, a credential or a document for the delivery or from the office can't be used."""


class ProvisioningError(EdgeError):
    """The device can't use a prepared card."""

    exit_code = 1


class LabError(EdgeError):
    """An experiment of the laboratory (`lab/`) failed or is not allowed."""


class UpdateError(EdgeError):
    """The device refuses a release because of its bundle or the device's state. Nothing was changed."""


class UpdateFailedError(EdgeError):
    """A release failed on this device; the previous release is in effect."""

    exit_code = 1

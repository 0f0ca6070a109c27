"""The settings of a device: every section and key with its type, default, unit and allowed range.

The names are a public interface (docs/CONFIGURATION.md). `edge_daemon.configfile` reads them from a file.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Key:
    """Describes a key of the settings, and limits its values further than their type does."""

    doc: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    above_low: bool = False
    """True: a value must be greater than `low`. False: it may equal `low`."""
    choices: tuple[str, ...] = ()
    zone: bool = False
    """True: the text must name a time zone of the IANA database."""
    folder: bool = False
    """True: the text names a folder. A relative path starts at the folder of the configuration file."""
    text_or_list: bool = False
    """True: a list of one item may be written without brackets, and an empty text means an empty list."""
    address: bool = False
    """True: the text must be empty or a mail address. A list must have one or more addresses."""
    renamed: str = ""
    """The key's name in the file, if Python reserves that name. Empty: the field's own name."""


def _key(default: Any, doc: str, **limits: Any) -> Any:
    key = Key(doc, **limits)
    if callable(default):
        return field(default_factory=default, metadata={"key": key})
    return field(default=default, metadata={"key": key})


_ADDRESS = re.compile(r"[^\s<>(),:;\"\\@\[\]]{1,64}@[^\s<>(),:;\"\\@\[\].]+(\.[^\s<>(),:;\"\\@\[\].]+)*")
_LONGEST_ADDRESS = 254
"""Largest number of characters of a mail address in SMTP (RFC 5321, 4.5.3.1, erratum 1690)."""


def is_address(text: str) -> bool:
    """Return whether a text is one plain mail address.

    Such an address has no display name, no blank and no character that could end a header line.
    """
    return len(text) <= _LONGEST_ADDRESS and text.isprintable() and bool(_ADDRESS.fullmatch(text))


def local_zone() -> str:
    """Return the IANA name of the computer's own time zone, or UTC when the system names none."""
    parts = Path("/etc/localtime").resolve().parts
    return "/".join(parts[parts.index("zoneinfo") + 1 :]) if "zoneinfo" in parts else "UTC"


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """[device]: this device."""

    name: str = _key(socket.gethostname, "Name of the device in registers and mails; part of every lesson id")
    time_zone: str = _key(local_zone, "Time zone of the school", zone=True)
    trust_clock: bool = _key(
        False, "Trust the clock although neither a time server nor a clock chip confirms it (a virtual machine)"
    )


UPSTREAM = "upstream"
"""The entry of `timetable.files` that means the calendar from the office (docs/PULL.md)."""


CANCELLED_WORDS = (
    *("Canceled", "Cancelled", "Abgesagt", "Entfall", "Entfällt", "Ausfall", "Fällt aus", "Annulé", "Annulée"),
    *("Cancelado", "Cancelada", "Annullato", "Annullata", "Geannuleerd", "Odwołane", "Inställt", "Aflyst", "Avlyst"),
)
"""Words that Outlook and timetable programs use, as a prefix or category, for a lesson that is not held."""


@dataclass(frozen=True, slots=True)
class TimetableConfig:
    """[timetable]: when lessons take place."""

    files: tuple[str, ...] = _key(
        (),
        "iCalendar files; relative paths start at the configuration's folder; `upstream` means the calendar from the"
        " office",
    )
    room: tuple[str, ...] = _key(
        (),
        "Only events with this LOCATION, or with one of several names of the room; empty: all events",
        text_or_list=True,
    )
    holidays: tuple[str, ...] = _key((), "iCalendar files whose events cancel lessons, in every room")
    cancelled_words: tuple[str, ...] = _key(
        CANCELLED_WORDS,
        "A lesson is not held if its category is one of these words or its summary begins with one; case does not"
        " matter",
    )
    free_is_cancelled: bool = _key(
        False, "Skip lessons that Outlook marks as free (FREE and TRANSPARENT); otherwise they are held, with a remark"
    )


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class WeekConfig:
    """[week]: the school's week."""

    first_day: str = _key("monday", "First day of the week in weekly sheets", choices=WEEKDAYS)
    weekend: tuple[str, ...] = _key(
        ("saturday", "sunday"),
        "Days without school: a weekly sheet omits them at its ends unless a lesson was held",
        choices=WEEKDAYS,
    )


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """[camera]: where pictures come from."""

    kind: str = _key("picamera2", "Kind of camera", choices=("picamera2", "v4l2", "gstreamer", "files"))
    source: str = _key("", "Device, pipeline, folder or video, depending on the kind; empty: the first camera")
    lens_position: float = _key(
        -1.0,
        "Focus that `audit` found, 1 / metres, 0 for far away; -1: autofocus whenever the camera opens",
        unit="dioptres",
        low=-1,
        high=32,
    )
    field_of_view_deg: float = _key(
        0.0,
        "Horizontal field of view of the lens (Camera Module 3: 66, wide: 102); head turn is then measured from the"
        " line of sight to the seat; 0: not known",
        unit="degrees",
        low=0,
        high=170,
    )
    upside_down: bool = _key(False, "The camera is mounted upside down, so its pictures are rotated")


@dataclass(frozen=True, slots=True)
class LessonConfig:
    """[lesson]: how many pictures a lesson gets."""

    captures: int = _key(100, "Pictures of one lesson; a short lesson gets one every 5 s at most", low=1, high=1000)


@dataclass(frozen=True, slots=True)
class RuleConfig:
    """[rule]: what counts as present."""

    share: float = _key(0.40, "Least share of the captures for present", low=0, high=1, above_low=True)
    unusual_share: float = _key(
        0.25,
        "Mark nobody absent when a smaller share of the students was recognised; 0 turns this off",
        low=0,
        high=1,
    )
    late_min: float = _key(
        10.0,
        "A student unseen for longer after the start is late; before the end, the student left early",
        unit="minutes",
        low=1,
        high=240,
    )


@dataclass(frozen=True, slots=True)
class AttentionConfig:
    """[attention]: what counts as facing the class."""

    front_yaw_deg: float = _key(
        0.0, "Direction of the front of the class, seen from the camera's axis", unit="degrees", low=-180, high=180
    )
    max_yaw_deg: float = _key(
        50.0,
        "Largest head turn from the front that counts as attentive",
        unit="degrees",
        low=0,
        high=180,
        above_low=True,
    )


@dataclass(frozen=True, slots=True)
class ModelsConfig:
    """[models]: the neural networks."""

    dir: str = _key(
        "", "Folder with manifest.toml and the model files; empty: the models that the program ships", folder=True
    )
    embedder: str = _key(
        "auto",
        "Precision of the embedder, float32 in a checkout only; `doctor` names the fastest; enrol again after a change",
        choices=("auto", "int8", "float16", "float32"),
    )


@dataclass(frozen=True, slots=True)
class VisionConfig:
    """[vision]: how many parts of a picture are processed at once."""

    threads: int = _key(
        1,
        "Parts of a picture that are processed at once, about 60 MB each; 0: one for each processor core",
        low=0,
        high=64,
    )


@dataclass(frozen=True, slots=True)
class MaskConfig:
    """[mask]: whether the program looks for masks."""

    enabled: bool = _key(False, "Count how many people wear a mask, wear it wrongly, or wear none; never by student")


@dataclass(frozen=True, slots=True)
class EyesConfig:
    """[eyes]: whether the program looks for shut eyes."""

    enabled: bool = _key(
        True,
        "At five moments of a lesson, do not count captures in which a student's eyes stay shut three times in a row",
    )


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """[storage]: how long the device keeps data."""

    keep_sightings_days: int = _key(
        90,
        "Days after which sightings (positions in pictures) are deleted; registers stay",
        unit="days",
        low=1,
        high=3650,
    )
    keep_leavers_days: int = _key(
        30,
        "Erase a student who is missing from the roster for this long; doctor and heartbeat warn 14 days before",
        unit="days",
        low=14,
        high=3650,
    )
    keep_registers_days: int = _key(
        0,
        "Delete a register here this long after its lesson, once the office has had it for 30 days; 0: never",
        unit="days",
        low=0,
        high=36500,
    )
    keep_backups: int = _key(7, "Number of daily backups that are kept of each database", low=1, high=365)


@dataclass(frozen=True, slots=True)
class UpstreamConfig:
    """[upstream]: the school's server."""

    kind: str = _key("api", "Protocol of the server", choices=("api", "webdav"))
    url: str = _key("", "Address of the server; empty: registers stay on the device")
    ca_file: str = _key("", "Certificates to trust instead of the system's")
    client_cert_file: str = _key("", "Client certificate of this device; empty: none")
    client_key_file: str = _key("", "File or systemd credential with its key, without passphrase; empty: the same file")
    username: str = _key("", "Name to log in with, the token as its password; empty: the token alone")
    token_file: str = _key("", "File or systemd credential with the token")
    pull: tuple[str, ...] = _key(
        ("corrections", "excuses", "withdrawals", "removals"),
        "What the office may change through the server; the roster only if it is listed",
        choices=("roster", "corrections", "excuses", "withdrawals", "removals", "check_ins"),
    )
    office_keys: tuple[str, ...] = _key(
        (), "Public keys of the office, at most two; with a key set, the office must sign its corrections"
    )
    proxy: str = _key("", "Proxy to the server; empty: the value of HTTPS_PROXY")
    insecure_http: bool = _key(False, "Allow http:// without encryption; for trials only, never with real students")


@dataclass(frozen=True, slots=True)
class MailConfig:
    """[mail]: reports by e-mail."""

    via: str = _key(
        "smtp",
        "Sender: this device through a mail server, or the school's server ([upstream])",
        choices=("smtp", "upstream"),
    )
    host: str = _key("", "Mail server; empty: no mail, unless the school's server sends it")
    port: int = _key(587, "Port of the mail server", low=1, high=65535)
    security: str = _key("starttls", "Encryption of the connection, which is never plain", choices=("tls", "starttls"))
    ca_file: str = _key("", "Certificates to trust instead of the system's")
    username: str = _key("", "Name to log in with; empty: no log-in")
    password_file: str = _key("", "File or systemd credential with the password, or with the xoauth2 token")
    auth: str = _key("password", "How to log in", choices=("password", "xoauth2"))
    from_: str = _key("", "Sender's address", renamed="from", address=True)
    office: tuple[str, ...] = _key((), "Addresses of the office, which gets every register", address=True)
    students: bool = _key(False, "Notify students of their absence")
    guardians: bool = _key(False, "Notify guardians of an absence")
    teachers: bool = _key(False, "Send the register to the lesson's teacher, named by the roster or the calendar")
    guardian_sheets: bool = _key(False, "Send guardians the weekly and monthly record of their child")
    hold_h: float = _key(
        4.0,
        "Delay before students and guardians are notified, so that a teacher can correct",
        unit="hours",
        low=0,
        high=168,
    )
    language: str = _key("en", "Language of the messages", choices=("en", "de"))
    templates: str = _key("", "Folder with your own texts, which replace those of the program", folder=True)
    per_minute: int = _key(30, "Most messages a minute that the mail server allows", unit="messages", low=1, high=600)


@dataclass(frozen=True, slots=True)
class CheckinConfig:
    """[checkin]: check-in at the door by a spoken phrase."""

    camera: str = _key(
        "", "Device such as /dev/video1, or a pipeline; a folder or video for a trial; empty: no check-in"
    )
    devices: tuple[str, ...] = _key(
        (), "Public keys of the computers whose check-in notes are accepted; `identity` prints the key there"
    )


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. A section or key that the file lacks has its default value."""

    device: DeviceConfig = field(default_factory=DeviceConfig)
    timetable: TimetableConfig = field(default_factory=TimetableConfig)
    week: WeekConfig = field(default_factory=WeekConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    lesson: LessonConfig = field(default_factory=LessonConfig)
    rule: RuleConfig = field(default_factory=RuleConfig)
    attention: AttentionConfig = field(default_factory=AttentionConfig)
    models: ModelsConfig = field(default_factory=ModelsConfig)
    vision: VisionConfig = field(default_factory=VisionConfig)
    mask: MaskConfig = field(default_factory=MaskConfig)
    eyes: EyesConfig = field(default_factory=EyesConfig)
    storage: StorageConfig = field(default_factory=StorageConfig)
    upstream: UpstreamConfig = field(default_factory=UpstreamConfig)
    mail: MailConfig = field(default_factory=MailConfig)
    checkin: CheckinConfig = field(default_factory=CheckinConfig)

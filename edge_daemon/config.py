"""The settings of a device: every section and key with its type, default, unit and allowed range.

The names are an outside interface (docs/CONFIGURATION.md). `edge_daemon.configfile` reads them from a file.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Key:
    """What a key takes, apart from its type."""

    doc: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    above_low: bool = False
    """The lowest value itself is not allowed."""
    choices: tuple[str, ...] = ()
    zone: bool = False
    """The text names a time zone of the IANA database."""
    folder: bool = False
    """The text names a folder; a relative one starts where the file is."""
    text_or_list: bool = False
    """A list of one may be written without its brackets, and an empty text is an empty list."""
    address: bool = False
    """The text is a mail address, or empty; a list has one or more."""
    renamed: str = ""
    """The key's name in the file, where Python reserves the word."""


def _key(default: Any, doc: str, **limits: Any) -> Any:
    key = Key(doc, **limits)
    if callable(default):
        return field(default_factory=default, metadata={"key": key})
    return field(default=default, metadata={"key": key})


_ADDRESS = re.compile(r"[^\s<>(),:;\"\\@\[\]]{1,64}@[^\s<>(),:;\"\\@\[\].]+(\.[^\s<>(),:;\"\\@\[\].]+)*")
_LONGEST_ADDRESS = 254
"""Of an address in SMTP (RFC 5321, 4.5.3.1, erratum 1690)."""


def is_address(text: str) -> bool:
    """Return whether a text is one plain mail address: no name, no blank, nothing that could end a line of a header."""
    return len(text) <= _LONGEST_ADDRESS and text.isprintable() and bool(_ADDRESS.fullmatch(text))


def local_zone() -> str:
    """Return the IANA name of the computer's own time zone, UTC where it tells none."""
    parts = Path("/etc/localtime").resolve().parts
    return "/".join(parts[parts.index("zoneinfo") + 1 :]) if "zoneinfo" in parts else "UTC"


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """[device]: this box."""

    name: str = _key(socket.gethostname, "Name of the device in registers and mails; part of every lesson id")
    time_zone: str = _key(local_zone, "Time zone of the school", zone=True)
    trust_clock: bool = _key(
        False, "The clock is right although neither a time server nor a clock chip says so (a virtual machine)"
    )


UPSTREAM = "upstream"
"""Stands in `timetable.files` for the calendar that the office gives (docs/PULL.md)."""


CANCELLED_WORDS = (
    *("Canceled", "Cancelled", "Abgesagt", "Entfall", "Entfällt", "Ausfall", "Fällt aus", "Annulé", "Annulée"),
    *("Cancelado", "Cancelada", "Annullato", "Annullata", "Geannuleerd", "Odwołane", "Inställt", "Aflyst", "Avlyst"),
)
"""What Outlook and timetable programs put before the name of a lesson that is not held, or give it as a category."""


@dataclass(frozen=True, slots=True)
class TimetableConfig:
    """[timetable]: when lessons are."""

    files: tuple[str, ...] = _key(
        (),
        "iCalendar files; relative ones start at the configuration's folder; `upstream`: the calendar that the office"
        " gives",
    )
    room: tuple[str, ...] = _key(
        (), "Only events with this LOCATION, or one of several names of the room; empty: all events", text_or_list=True
    )
    holidays: tuple[str, ...] = _key((), "iCalendar files whose events cancel lessons, in every room")
    cancelled_words: tuple[str, ...] = _key(
        CANCELLED_WORDS,
        "A lesson is not held whose category is one of these words, or whose summary begins with one; capitals do not"
        " matter",
    )
    free_is_cancelled: bool = _key(
        False, "A lesson is not held that Outlook marks as free (FREE and TRANSPARENT); else it is held, with a remark"
    )


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class WeekConfig:
    """[week]: the school's week."""

    first_day: str = _key("monday", "First day of the week, for the sheets of weeks", choices=WEEKDAYS)
    weekend: tuple[str, ...] = _key(
        ("saturday", "sunday"),
        "Days without school: the sheet of a week leaves them out at its ends unless a lesson was held",
        choices=WEEKDAYS,
    )


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """[camera]: where pictures come from."""

    kind: str = _key("picamera2", "Kind of camera", choices=("picamera2", "v4l2", "gstreamer", "files"))
    source: str = _key("", "Device, pipeline, folder or video, as the kind has it; empty: the first camera")
    lens_position: float = _key(
        -1.0,
        "Focus that `audit` found, 1 / metres, 0 for far away; -1: focuses by itself whenever the camera opens",
        unit="dioptres",
        low=-1,
        high=32,
    )
    field_of_view_deg: float = _key(
        0.0,
        "Of the lens, horizontal (Camera Module 3: 66, wide: 102); with it a head's turn is taken from the ray to its"
        " seat; 0: not known",
        unit="degrees",
        low=0,
        high=170,
    )
    upside_down: bool = _key(False, "The camera hangs on its head, so that pictures have to be turned")


@dataclass(frozen=True, slots=True)
class LessonConfig:
    """[lesson]: how often to look."""

    captures: int = _key(100, "Pictures of one lesson, fewer in a lesson shorter than 5 s a picture", low=1, high=1000)


@dataclass(frozen=True, slots=True)
class RuleConfig:
    """[rule]: what counts as present."""

    share: float = _key(0.40, "Present from this share of the captures on", low=0, high=1, above_low=True)
    unusual_share: float = _key(
        0.25,
        "Nobody is absent where a smaller share of the students was recognised; 0 turns this off",
        low=0,
        high=1,
    )
    late_min: float = _key(
        10.0,
        "Unseen for longer than this after the start is late, before the end left early",
        unit="minutes",
        low=1,
        high=240,
    )


@dataclass(frozen=True, slots=True)
class AttentionConfig:
    """[attention]: what counts as facing the class."""

    front_yaw_deg: float = _key(
        0.0, "Where the front is, seen from the camera's axis", unit="degrees", low=-180, high=180
    )
    max_yaw_deg: float = _key(
        50.0, "A head turned further from the front does not attend", unit="degrees", low=0, high=180, above_low=True
    )


@dataclass(frozen=True, slots=True)
class ModelsConfig:
    """[models]: the neural networks."""

    dir: str = _key(
        "", "Folder with manifest.toml and the model files; empty: those that came with the program", folder=True
    )
    embedder: str = _key(
        "auto",
        "Precision of the embedder; `doctor` says which is fastest here; after a change enrol again",
        choices=("auto", "int8", "float16", "float32"),
    )


@dataclass(frozen=True, slots=True)
class VisionConfig:
    """[vision]: how hard the processor works."""

    threads: int = _key(
        1,
        "Parts of a picture that are worked on at once, about 60 MB each; 0: as many as processor cores",
        low=0,
        high=64,
    )


@dataclass(frozen=True, slots=True)
class MaskConfig:
    """[mask]: whether masks are looked for."""

    enabled: bool = _key(
        False, "Count how many people of the room wear a mask, wear it wrong, or wear none; never by student"
    )


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """[storage]: how long things are kept."""

    keep_sightings_days: int = _key(
        90, "Sightings (who is where in a picture) are deleted after it; registers stay", unit="days", low=1, high=3650
    )
    keep_leavers_days: int = _key(
        30,
        "Who is missing from the roster for so long is erased; doctor and heartbeat say so 14 days before",
        unit="days",
        low=14,
        high=3650,
    )
    keep_registers_days: int = _key(
        0,
        "Registers so long after their lesson are deleted here once the office has had them for 30 days; 0: never",
        unit="days",
        low=0,
        high=36500,
    )
    keep_backups: int = _key(7, "Daily copies of each database", low=1, high=365)


@dataclass(frozen=True, slots=True)
class UpstreamConfig:
    """[upstream]: the school's server."""

    kind: str = _key("api", "How the server takes registers", choices=("api", "webdav"))
    url: str = _key("", "Address of the server; empty: registers stay on the device")
    ca_file: str = _key("", "Certificates to trust instead of the system's")
    client_cert_file: str = _key("", "Certificate that this device shows the server; empty: none")
    client_key_file: str = _key("", "File or systemd credential with its key, which has no passphrase; empty: the same")
    username: str = _key("", "Name to log in with; the token is its password then; empty: the token is all")
    token_file: str = _key("", "File or systemd credential with the token")
    pull: tuple[str, ...] = _key(
        ("corrections", "excuses", "withdrawals", "removals"),
        "What the office may change from there; the roster, too, where it is named",
        choices=("roster", "corrections", "excuses", "withdrawals", "removals", "check_ins"),
    )
    office_keys: tuple[str, ...] = _key(
        (), "Public keys of the office, two at most: with one, its corrections have to be signed by it"
    )
    proxy: str = _key("", "Proxy on the way to the server; empty: as HTTPS_PROXY says")
    insecure_http: bool = _key(False, "Allow http:// without encryption: for a trial only, never with real students")


@dataclass(frozen=True, slots=True)
class MailConfig:
    """[mail]: reports by e-mail."""

    via: str = _key(
        "smtp",
        "Who sends: this device by a mail server, or the school's server ([upstream])",
        choices=("smtp", "upstream"),
    )
    host: str = _key("", "Mail server; empty: no mail, unless the school's server sends it")
    port: int = _key(587, "Port of the mail server", low=1, high=65535)
    security: str = _key(
        "starttls", "How the connection is encrypted; plain is never used", choices=("tls", "starttls")
    )
    ca_file: str = _key("", "Certificates to trust instead of the system's")
    username: str = _key("", "Name to log in with; empty: no log-in")
    password_file: str = _key("", "File or systemd credential with the password, or with the token of xoauth2")
    auth: str = _key("password", "How to log in", choices=("password", "xoauth2"))
    from_: str = _key("", "Sender's address", renamed="from", address=True)
    office: tuple[str, ...] = _key((), "Addresses of the office, which gets every register", address=True)
    students: bool = _key(False, "Tell students of their absence")
    guardians: bool = _key(False, "Tell guardians of an absence")
    teachers: bool = _key(False, "Send who teaches a lesson its register, by the roster or the calendar")
    guardian_sheets: bool = _key(False, "Send guardians the record of their child, of each week and each month")
    hold_h: float = _key(
        4.0, "Wait before students and guardians are told, so that a teacher can correct", unit="hours", low=0, high=168
    )
    language: str = _key("en", "Language of the messages", choices=("en", "de"))
    templates: str = _key("", "Folder with texts of your own, which stand in for those of the program", folder=True)
    per_minute: int = _key(30, "Messages a minute at most, as the mail server allows", unit="messages", low=1, high=600)


@dataclass(frozen=True, slots=True)
class CheckinConfig:
    """[checkin]: the spoken phrase at the door."""

    camera: str = _key(
        "", "Device such as /dev/video1, a pipeline, or for a trial a folder or video; empty: no check-in"
    )
    devices: tuple[str, ...] = _key(
        (), "Public keys of the computers whose notes of check-ins are taken; `identity` prints them there"
    )


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; a missing section or key has its default."""

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
    storage: StorageConfig = field(default_factory=StorageConfig)
    upstream: UpstreamConfig = field(default_factory=UpstreamConfig)
    mail: MailConfig = field(default_factory=MailConfig)
    checkin: CheckinConfig = field(default_factory=CheckinConfig)

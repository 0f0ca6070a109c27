"""The values that flow from step to step (docs/ARCHITECTURE.md), and nothing else.

Pictures are NumPy arrays (height, width, 3), uint8, channels in the order blue, green, red, as OpenCV has them.
Boxes and points are in pixels of the full picture. Times are aware datetimes in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from edge_daemon_office.shared.traits import NO_TRAITS, MaskCounts, Traits

if TYPE_CHECKING:  # the office's end and the process with the network see no picture, and may have no NumPy
    import numpy as np
    from numpy.typing import NDArray

Picture: TypeAlias = "NDArray[np.uint8]"
Vector: TypeAlias = "NDArray[np.float32]"

ClockState = Literal["synchronised", "rtc", "unsynchronised"]
Origin = Literal["timetable", "rehearsal"]
VerdictName = Literal["present", "absent", "inconclusive", "not_assessed"]
Destination = Literal["upstream", "mail"]
OutcomeName = Literal["delivered", "retry", "parked", "held", "void"]
Flag = Literal[
    "borderline", "look_alike", "static_face", "clock", "few_captures", "late", "left_early", "corrected", "resembles",
    "face_hidden", "poor_photographs",
]  # fmt: skip
RegisterFlag = Literal[
    "room_empty", "unusual_class", "view_changed", "too_dark", "too_blurred", "glare", "covered", "not_in_timetable",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson in one room."""

    lesson_id: str
    """UUIDv5, the same after any restart."""
    device: str
    course: str
    """Empty: every student of the roster belongs to the lesson."""
    start: datetime
    end: datetime
    origin: Origin
    event_id: str = field(default="", compare=False)
    """Of the calendar event that it comes from: one UID has one. Empty: not known, or no event of a calendar."""


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """When to take the pictures of a lesson."""

    lesson_id: str
    seed: bytes
    seed_sha256: str
    offsets_s: tuple[float, ...]
    """Seconds after the lesson's start, one a slot, ascending."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a lesson."""

    slot: int
    """0-based place in the capture plan."""
    name: str
    """File name, or the 1-based index within a video."""
    picture: Picture
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class MissedCapture:
    """A slot without a usable picture: never evidence that nobody was there."""

    slot: int
    reason: str


@dataclass(frozen=True, slots=True)
class Box:
    """An upright box; x, y is its upper left corner."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Pose:
    """Head turn in degrees.

    Yaw > 0: the head turns towards the right of the picture; pitch > 0: looks up; roll > 0: clockwise.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How much a face can tell about its owner."""

    width_px: float
    """Width of the face, ear to ear."""
    sharpness: float
    """0 (all blur) to 1, normalised by the size of the crop."""
    presence: float
    """Probability by the face mesh that this is a face, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face found in a picture, with its template vector."""

    box: Box
    score: float
    """Detector's probability, 0 to 1."""
    keypoints: NDArray[np.float32]
    """(6, 2): right eye, left eye (of the person), nose tip, mouth, right and left ear tragion."""
    quality: Quality
    pose: Pose | None
    """None where the face is too small to tell."""
    eyes_open: bool | None
    """None where the face is too small to tell."""
    embedding: Vector
    """(192,) of length 1; empty where embedding was not asked for."""
    traits: Traits = NO_TRAITS
    landmarks: NDArray[np.float32] | None = field(default=None, compare=False)
    """(68, 2) standard points by the mesh (`vision/standard_points.py`); None where the face is too small for them."""


@dataclass(frozen=True, slots=True)
class EnrolmentPeriod:
    """From when until when a student is in a course; without either day there is no limit on that side."""

    course: str
    begin: date | None
    """The first day."""
    end: date | None
    """The first day without the student."""


@dataclass(frozen=True, slots=True)
class Student:
    """A row of the roster."""

    student_id: str
    name: str
    email: str
    guardian_email: str
    consent: bool
    courses: tuple[str, ...]
    periods: tuple[EnrolmentPeriod, ...] = ()
    """The courses with dates; another course counts on every day."""


@dataclass(frozen=True, slots=True)
class CoveredTemplates:
    """A face with a part of it covered, in memory only."""

    vectors: Vector
    """(n, 192), rows of length 1."""
    widths_px: Vector
    """(n,): face width that the row was brought down to."""


@dataclass(frozen=True, slots=True)
class StudentTemplates:
    """What the gallery knows about the face of one student, in memory only."""

    student_id: str
    vectors: Vector
    """(n, 192), rows of length 1, one an accepted photograph and size."""
    widths_px: Vector
    """(n,): face width that the row was brought down to."""
    covered: tuple[CoveredTemplates, ...] = ()
    """With a mask and with sunglasses; empty: made by a release that painted none."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face of one capture, compared with every enrolled student."""

    slot: int
    box: Box
    score: float
    quality: Quality
    attentive: bool
    """Turned towards the front of the class, by the head's pose alone."""
    eyes_open: bool | None
    similarities: Vector
    """(students,), in the order of the gallery's student ids."""
    embedding: Vector | None
    """(192,); None after a restart, for it is never stored."""
    traits: Traits = NO_TRAITS


VIEW_ROWS, VIEW_COLUMNS = 8, 16
"""Cells of a RoomView."""


@dataclass(frozen=True, slots=True)
class RoomView:
    """What one capture shows of the room, in cells (VIEW_ROWS, VIEW_COLUMNS), too few to draw a face from."""

    luma: Vector
    """Mean light, 0 to 255."""
    burnt: Vector
    """Share that is burnt out, 0 to 1."""
    structure: Vector
    """Standard deviation of 16 by 16 samples, 0 to 128: next to nothing where a lens is covered."""
    blur_px: float
    """Standard deviation of the blur of the sharpest edges; infinite where there are none."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face that counts: of a student, or of somebody unknown (student_id empty)."""

    slot: int
    student_id: str
    similarity: float
    attentive: bool
    box: Box


@dataclass(frozen=True, slots=True)
class Tally:
    """In how many captures of a lesson a student was seen."""

    student_id: str
    captures_seen: int
    captures_attentive: int
    first_seen: datetime | None
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class CaptureMap:
    """In which captures of a lesson a student was seen: a bit for each slot of the plan.

    Slot 0 is the highest bit of the first byte; slots of missed captures are 0.
    """

    seen: bytes
    facing: bytes


@dataclass(frozen=True, slots=True)
class RoomSeat:
    """A place in the room, as the camera sees it."""

    row: int
    """1 is the row nearest to the camera."""
    seat: int
    """1 is the leftmost seat of its row in the picture."""


@dataclass(frozen=True, slots=True)
class Resemblance:
    """Somebody without a name was there for most of the lesson, and is most like this student."""

    probability: float
    seat: RoomSeat | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about one student in one lesson."""

    tally: Tally
    share: float
    verdict: VerdictName
    flags: tuple[Flag, ...]
    captures: CaptureMap | None = None
    """None: not assessed, or made by a release that did not write it."""
    probability: float | None = None
    """That the student was there for the share that the rule asks for, 0 to 1; None: not computed."""
    resembles: Resemblance | None = None
    checked_in_at: datetime | None = None
    """When the student checked in at the door; None: did not."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Who changed a register, when and why."""

    student_id: str
    verdict: VerdictName
    by: str
    reason: str
    at: datetime
    reason_code: str | None = None
    """A word of a short list; None: the reason is free text of an earlier release."""
    title: str | None = None
    """What the person is at the school: teacher, office."""


@dataclass(frozen=True, slots=True)
class AppliedRule:
    """The rule by which a register was decided, and what applied it."""

    share: float
    """Least share of the captures that were taken."""
    max_yaw_deg: float
    """Turned further than this from the front does not count as facing the class."""
    min_captures_share: float
    """With a smaller share of the planned captures nothing is decided."""
    unusual_share: float
    """With a smaller share of the students recognised the lesson is unusual, and nobody is absent."""
    program: str
    """Version of this program."""
    models: Mapping[str, str]
    """Role of each model to its name; `Register.models` has the SHA-256."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the office said about an unusual lesson."""

    held: bool
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Register:
    """A finalised lesson; immutable, a correction makes the next revision."""

    lesson: Lesson
    revision: int
    clock: ClockState
    plan: CapturePlan
    captures_planned: int
    captures_taken: int
    missed: tuple[MissedCapture, ...]
    verdicts: tuple[Verdict, ...]
    """One for each student of the lesson's course, ordered by student id; guests are not among them."""
    guests: tuple[str, ...]
    """Enrolled students who were recognised but do not belong to the course."""
    unknown_faces: int
    """The most unknown faces that were in one capture."""
    models: Mapping[str, str]
    """Role of each model to its SHA-256."""
    corrections: tuple[Correction, ...]
    rule: AppliedRule | None = None
    """None: made by a release that did not write it."""
    register_flags: tuple[RegisterFlag, ...] = ()
    """Why the whole lesson needs a look, in the order of `RegisterFlag`."""
    confirmed: Confirmation | None = None
    mask: MaskCounts | None = None
    """None: masks were not looked for."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing that has to reach one receiver; a row of the outbox."""

    item_id: int
    destination: Destination
    kind: str
    """What it is: `register`, `commitment` upstream; `office`, `student`, `guardian`, `week`, `month` by mail."""
    ref: str
    """What it is about: `lesson_id/revision`, a lesson id, a date, a week; unique within destination, kind, student."""
    student_id: str
    """Whom it is about; empty where it is about everybody."""
    lesson_id: str
    """Empty where it is about no single lesson."""
    attempts: int
    """Tries before this one."""
    created_at: datetime
    due_at: datetime | None = field(default=None, compare=False)
    """When it was due; None: not known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try to deliver."""

    name: OutcomeName
    """`retry`: later; `parked`: refused for good, a person decides; `held`: not allowed yet; `void`: not needed."""
    answer: str
    """The receiver's answer, or the reason, in plain words and without anything personal."""
    retry_after_s: float | None = None
    """What the receiver asked for."""
    receiver_down: bool = False
    """True: the receiver takes nothing at all now (no network, wrong token): the other items need not be tried."""
    is_doubtful: bool = field(default=False, compare=False)
    """True: the receiver answered this one item, and may take others: some are tried before it is judged down."""
    is_occupied: bool = field(default=False, compare=False)
    """True: another's document is at this one's place; it is delivered once the place is free."""

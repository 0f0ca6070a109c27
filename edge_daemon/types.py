"""The values that flow from step to step (docs/ARCHITECTURE.md), and nothing else.

Pictures are NumPy arrays (height, width, 3), uint8, with channels in OpenCV's order: blue, green, red.
Boxes and points are in pixels of the full picture. Times are aware datetimes in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from edge_daemon.traits import NO_TRAITS, MaskCounts, Traits

if TYPE_CHECKING:  # the office's programs and the process with network access may have no NumPy
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
    """A UUIDv5 made from the lesson's data, so it is the same after any restart."""
    device: str
    course: str
    """Name of the course. Empty: every student of the roster belongs to the lesson."""
    start: datetime
    end: datetime
    origin: Origin
    event_id: str = field(default="", compare=False)
    """Id of the lesson's calendar event; events with one UID share it. Empty: unknown, or not from a calendar."""


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """When to take the pictures of a lesson."""

    lesson_id: str
    seed: bytes
    seed_sha256: str
    offsets_s: tuple[float, ...]
    """Seconds after the lesson's start, one for each slot, ascending."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a lesson."""

    slot: int
    """0-based position in the capture plan."""
    name: str
    """Name of the picture's file, or the frame's 1-based index in a video."""
    picture: Picture
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class MissedCapture:
    """A slot without a usable picture. It is never evidence of absence."""

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

    Yaw > 0: the head turns to the right of the picture. Pitch > 0: it looks up. Roll > 0: it tilts clockwise.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How much detail of a face a picture shows."""

    width_px: float
    """Width of the face, ear to ear."""
    sharpness: float
    """From 0 (completely blurred) to 1, independent of the size of the crop."""
    presence: float
    """Probability from the face mesh that this is a face, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face found in a picture, with its template vector."""

    box: Box
    score: float
    """Detector's probability, 0 to 1."""
    keypoints: NDArray[np.float32]
    """(6, 2): the person's right and left eye, nose tip, mouth, right and left ear tragion."""
    quality: Quality
    pose: Pose | None
    """Turn of the head; None if the face is too small to measure it."""
    embedding: Vector
    """The template vector, (192,), of length 1; empty if the caller requested none."""
    traits: Traits = NO_TRAITS
    landmarks: NDArray[np.float32] | None = field(default=None, compare=False)
    """(68, 2) standard points from the mesh (`vision/standard_points.py`); None if the face is too small for them."""


@dataclass(frozen=True, slots=True)
class EnrolmentPeriod:
    """The days on which a student belongs to a course. A missing day means no limit on that side."""

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
    """The periods of courses that have dates. The student belongs to a course without a period on every day."""


@dataclass(frozen=True, slots=True)
class CoveredTemplates:
    """Templates of a partly covered face; kept in memory only."""

    vectors: Vector
    """(n, 192), rows of length 1."""
    widths_px: Vector
    """(n,): face width to which each row was scaled down."""


@dataclass(frozen=True, slots=True)
class StudentTemplates:
    """The templates of one student; kept in memory only."""

    student_id: str
    vectors: Vector
    """(n, 192), rows of length 1, one for each accepted photograph and size."""
    widths_px: Vector
    """(n,): face width to which each row was scaled down."""
    covered: tuple[CoveredTemplates, ...] = ()
    """Templates of the face with a mask and with sunglasses. Empty if an earlier release made the templates."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face of one capture, compared with every enrolled student."""

    slot: int
    box: Box
    score: float
    quality: Quality
    attentive: bool
    """Whether the person faces the front of the class, judged by the head's pose alone."""
    similarities: Vector
    """(students,): similarity to each enrolled student, in the order of the gallery's student ids."""
    embedding: Vector | None
    """(192,); None for captures before a restart, because embeddings are never stored."""
    traits: Traits = NO_TRAITS
    cover_gains: Vector | None = None  # (students,): the second result of `Matcher.compared`; None: not stored


VIEW_ROWS, VIEW_COLUMNS = 8, 16
"""Number of rows and of columns of cells in a `RoomView`."""


@dataclass(frozen=True, slots=True)
class RoomView:
    """Brightness and sharpness of one capture in cells (VIEW_ROWS, VIEW_COLUMNS), too coarse to show a face."""

    luma: Vector
    """Mean brightness, 0 to 255."""
    burnt: Vector
    """Share of over-exposed pixels, 0 to 1."""
    structure: Vector
    """Standard deviation of 16 by 16 samples, 0 to 128. A covered lens gives nearly 0."""
    blur_px: float
    """Standard deviation of the blur of the sharpest edges; infinite if the picture has no edges."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face in one capture; `student_id` is empty if the person is unknown."""

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
    """The captures of a lesson in which a student was seen, as one bit for each slot of the plan.

    Slot 0 is the highest bit of the first byte. Slots of missed captures are 0.
    """

    seen: bytes
    facing: bytes


@dataclass(frozen=True, slots=True)
class RoomSeat:
    """A seat in the room, as the camera sees it."""

    row: int
    """1 is the row nearest to the camera."""
    seat: int
    """1 is the leftmost seat of its row in the picture."""


@dataclass(frozen=True, slots=True)
class Resemblance:
    """An unnamed person who was there for most of the lesson and resembles this student the most."""

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
    """The captures that show the student; None: not assessed, or written by a release without capture maps."""
    probability: float | None = None
    """Probability (0 to 1) that the student was there in the required share of captures; None: not computed."""
    resembles: Resemblance | None = None
    checked_in_at: datetime | None = None
    """Time of the student's check-in at the door; None: no check-in."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A change of a register: by whom, when and why."""

    student_id: str
    verdict: VerdictName
    by: str
    reason: str
    at: datetime
    reason_code: str | None = None
    """A code from a short list; None: the reason is free text from an earlier release."""
    title: str | None = None
    """The person's role at the school: teacher or office."""


@dataclass(frozen=True, slots=True)
class AppliedRule:
    """The rule by which the verdicts of a register were made, and the program and models that applied it."""

    share: float
    """Smallest share of the taken captures in which a student who is present must be seen facing the class."""
    max_yaw_deg: float
    """A head turned further than this from the front does not count as facing the class."""
    min_captures_share: float
    """If fewer than this share of the planned captures were taken, every student who is assessed is inconclusive."""
    unusual_share: float
    """If fewer than this share of the students were recognised, the lesson is unusual, and nobody is absent."""
    program: str
    """Version of this program."""
    models: Mapping[str, str]
    """Name of the model in each role. `Register.models` has the SHA-256 of each."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The office's decision whether an unusual lesson was held."""

    held: bool
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Register:
    """A finalised lesson. It is immutable; a correction creates the next revision."""

    lesson: Lesson
    revision: int
    clock: ClockState
    plan: CapturePlan
    captures_planned: int
    captures_taken: int
    missed: tuple[MissedCapture, ...]
    verdicts: tuple[Verdict, ...]
    """One for each student of the lesson's course, ordered by student id. Guests are not included."""
    guests: tuple[str, ...]
    """Enrolled students who were recognised but do not belong to the course."""
    unknown_faces: int
    """Largest number of unknown faces in one capture."""
    models: Mapping[str, str]
    """SHA-256 of the model in each role."""
    corrections: tuple[Correction, ...]
    rule: AppliedRule | None = None
    """The rule that gave the verdicts; None if a release that did not record it wrote the register."""
    register_flags: tuple[RegisterFlag, ...] = ()
    """Reasons to review the whole lesson, in the order of `RegisterFlag`."""
    confirmed: Confirmation | None = None
    mask: MaskCounts | None = None
    """Numbers of faces with and without a mask; None: the program did not look for masks."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One item of the outbox, addressed to one receiver."""

    item_id: int
    destination: Destination
    kind: str
    """Kind of the item (`outbox_items.py`), such as `register` or `commitment` upstream, and `office` by mail."""
    ref: str
    """Id of the item's subject, such as `lesson_id/revision` or a week; unique within destination, kind and student."""
    student_id: str
    """Id of the student whom the item concerns; empty if it concerns no single student."""
    lesson_id: str
    """Id of the lesson that the item concerns; empty if it concerns no single lesson."""
    attempts: int
    """Number of attempts before this one."""
    created_at: datetime
    due_at: datetime | None = field(default=None, compare=False)
    """Time at which the item became due; None: unknown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one delivery attempt."""

    name: OutcomeName
    """The result for the item.

    `delivered`: the receiver has it. `retry`: it is tried again. `parked`: it was refused for good, so a person must
    decide. `held`: it must not be sent yet. `void`: it is no longer needed.
    """
    answer: str
    """The receiver's answer, or the reason, in plain words and without personal data."""
    retry_after_s: float | None = None
    """Seconds that the receiver asked to wait before the next attempt; None: it asked for none."""
    receiver_down: bool = False
    """True: the receiver accepts no item now (no network, wrong token), so the other items need no attempt."""
    is_doubtful: bool = field(default=False, compare=False)
    """True: the receiver refused this item but may accept others. These are tried before it counts as down."""
    is_occupied: bool = field(default=False, compare=False)
    """True: the server has another document at this item's path. The item can be delivered once the path is free."""

"""Guided enrolment at a camera: which pictures to take of a student, and whether each is good enough."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from edge_daemon.errors import PhotographError
from edge_daemon.gallery.agreement import AGREE, SAME_PERSON, Exemplar
from edge_daemon.gallery.focus import detail
from edge_daemon.gallery.photograph_gate import check_size, choose_face
from edge_daemon.gallery.roster_import import PhotographReader
from edge_daemon.types import Face, Picture, Vector

Turn = Literal["straight", "left", "right"]
STRAIGHT_DEG: Final = 12.0
"""Largest turn of a head that looks straight ahead, with a tolerance for the camera's position."""
TURNED_DEG: Final = (12.0, 45.0)
"""Range of a slightly turned head: enough to differ, but both eyes stay visible."""


@dataclass(frozen=True, slots=True)
class WantedPicture:
    """One picture of the guide."""

    turn: Turn
    glasses: bool | None = None
    """Whether the student wears glasses in the picture; None if it does not matter."""

    @property
    def instruction(self) -> str:
        """The instruction to the student."""
        turns = {
            "straight": "look straight into the camera",
            "left": "turn the head a little to the left",
            "right": "turn the head a little to the right",
        }
        glasses = {None: "", True: ", with glasses", False: ", without glasses"}
        return turns[self.turn] + glasses[self.glasses]


def wanted_pictures(*, glasses: bool) -> tuple[WantedPicture, ...]:
    """Return the pictures of the guide, in their order.

    Args:
        glasses: whether the student wears glasses sometimes.
    """
    if not glasses:
        return WantedPicture("straight"), WantedPicture("left"), WantedPicture("right")
    return (
        WantedPicture("straight", glasses=True),
        WantedPicture("left", glasses=True),
        WantedPicture("right", glasses=True),
        WantedPicture("straight", glasses=False),
    )


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPicture:
    """An accepted picture as vectors; the picture itself is not stored."""

    exemplar: Exemplar
    face: Face


class CaptureJudge:
    """Checks the pictures of one student, each also against those accepted before it.

    Args:
        student_id: the student in the pictures.
        reader: finds faces and computes vectors.
        others: a vector of length 1 for each other enrolled student, by id.
    """

    def __init__(self, student_id: str, reader: PhotographReader, others: Mapping[str, Vector]) -> None:
        self._student_id, self._reader, self._others = student_id, reader, others
        self.accepted: list[Exemplar] = []

    def judge(self, picture: Picture, wanted: WantedPicture) -> JudgedPicture:
        """Check a picture, accept it, and return it as vectors.

        Args:
            picture: BGR, uint8.
            wanted: the picture that the guide asks for.

        Raises:
            PhotographError: the size, light, focus or direction is wrong, or there is more than one face or another
                person.
        """
        check_size(picture)
        face = choose_face(picture, self._reader.faces(picture))
        self._check_turn(face, wanted)
        vectors, widths_px = self._reader.templates(picture, face)
        self._check_person(vectors[0])
        yaw_deg = face.pose.yaw_deg if face.pose is not None else None
        name = f"{wanted.turn} {len(self.accepted) + 1}"
        digest = hashlib.sha256(picture.tobytes()).digest()
        covered = tuple(self._reader.covered_templates(picture, face))
        exemplar = Exemplar(
            self._student_id,
            name,
            digest,
            vectors,
            widths_px,
            yaw_deg,
            face.quality.sharpness,
            covered,
            detail(picture, face.box),
        )
        self.accepted.append(exemplar)
        return JudgedPicture(exemplar, face)

    def _check_turn(self, face: Face, wanted: WantedPicture) -> None:
        if face.pose is None:
            raise PhotographError("how the head is turned can't be seen", hint="come closer, with more light")
        yaw_deg = face.pose.yaw_deg
        if wanted.turn == "straight":
            if abs(yaw_deg) > STRAIGHT_DEG:
                raise PhotographError(f"the head is turned ({abs(yaw_deg):.0f}°)", hint="look straight into the camera")
            return
        low, high = TURNED_DEG
        if abs(yaw_deg) < low:
            raise PhotographError(f"the head is hardly turned ({abs(yaw_deg):.0f}°)", hint="turn it a little more")
        if abs(yaw_deg) > high:
            raise PhotographError(f"the head is turned too far ({abs(yaw_deg):.0f}°)", hint="turn it a little less")
        # A camera may mirror its pictures, so only the first turned picture defines which side is left.
        before = [e.yaw_deg for e in self.accepted if e.yaw_deg is not None and abs(e.yaw_deg) > STRAIGHT_DEG]
        if wanted.turn == "right" and before and before[-1] * yaw_deg > 0:
            raise PhotographError("the head is turned to the same side as before", hint="turn it to the other side")

    def _check_person(self, vector: Vector) -> None:
        """Raise PhotographError for a face of another person.

        A face is compared with the student's accepted pictures; the first face is compared with all other students.
        """
        if self.accepted and not any(float(e.vectors[0] @ vector) >= AGREE for e in self.accepted):
            raise PhotographError(
                "shows a different person than the earlier pictures", hint="check who is in front of the camera"
            )
        if self.accepted or not self._others:
            return
        ids = list(self._others)
        scores = np.stack([self._others[student_id] for student_id in ids]) @ vector
        best = int(scores.argmax())
        if scores[best] >= SAME_PERSON:
            what = f"resembles student {ids[best]}, who is already enrolled ({scores[best]:.2f})"
            raise PhotographError(what, hint="check who is in front of the camera")


def mean_vector(vectors: Sequence[Vector]) -> Vector:
    """Return the mean direction of vectors of length 1, as a vector of length 1."""
    total = np.sum(np.stack(vectors), axis=0, dtype=np.float32)
    mean: Vector = total / max(float(np.linalg.norm(total)), 1e-9)
    return mean

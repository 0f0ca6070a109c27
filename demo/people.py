"""The people of the demo lesson: photograph, outline of the person in it, seat, and captures with the person away."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

PICTURES = Path(__file__).parent / "pictures"
CAPTURES = 14
"""Fewer than it takes to say that a face is a picture of a face: everybody here is one."""


@dataclass(frozen=True)
class Person:
    """A person in the demo lesson, cut from a photograph."""

    photograph: str
    outline: str
    """Corners of the person, "x,y x,y …" in pixels of the photograph."""
    seat: tuple[int, int]
    """Place of the outline's lower middle in the room."""
    scale: float
    away: frozenset[int]
    """Captures in which the person is not in the room."""

    def cut_out(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the photograph around the person, (h, w, 3) BGR, and how far each pixel is person, 0 to 1."""
        photograph = cv2.imread(str(PICTURES / self.photograph))
        corners = np.array([pair.split(",") for pair in self.outline.split()], np.int32)
        mask = np.zeros(photograph.shape[:2], np.float32)
        cv2.fillPoly(mask, [corners], (1.0,), cv2.LINE_AA)
        x, y, w, h = cv2.boundingRect(corners)
        mask = cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3))), (0, 0), 1.3)
        return photograph[y : y + h, x : x + w], mask[y : y + h, x : x + w]


_COLLINS = """
144,62 148,50 165,42 180,34 184,24 205,17 222,15 245,20 262,34 275,48 281,66 282,85 276,103 262,124 252,127 249,140
241,152 240,163 258,175 272,190 282,208 286,226 305,232 318,250 328,275 332,330 30,330 38,262 60,235 85,210 104,196
106,178 118,175 125,155 140,143 165,140 174,140 173,128 165,124 155,108 146,92"""
_HOPPER = """
133,125 137,90 140,78 158,76 162,55 178,42 198,36 203,26 218,21 250,21 262,26 270,37 290,42 308,55 316,76 328,78 333,95
333,125 330,160 336,172 337,182 326,215 327,240 318,262 303,276 305,285 330,300 375,322 420,345 440,400 452,440 30,440
40,400 55,345 95,325 150,310 178,292 180,270 150,255 142,235 150,215 138,185 140,165 132,150"""
_OBAMA = """
265,41 247,40 230,45 210,57 188,78 180,104 180,121 171,124 171,143 175,163 179,168 187,168 190,173 190,183 194,191
194,214 178,241 168,251 151,259 95,270 66,280 60,280 55,284 51,328 46,440 438,440 433,418 429,401 420,387 414,348
412,299 405,286 371,273 345,267 281,233 278,204 287,197 297,183 301,182 301,174 309,168 313,156 313,142 310,138
311,104 307,86 298,68 280,49"""
_BIDEN = """
191,45 174,57 150,84 138,114 138,135 133,146 135,194 138,198 138,211 148,225 155,228 153,266 156,271 156,278 134,284
100,307 70,313 50,314 30,323 18,325 7,332 0,340 0,520 457,520 448,481 447,470 439,458 439,440 435,421 431,416 430,402
405,386 372,370 338,357 306,342 288,328 279,314 275,305 276,292 297,268 303,254 303,248
313,239 323,197 330,183 335,179 336,162 341,154 338,108 334,105 329,86 316,64 293,49 279,49 260,39 218,37 197,45"""

PEOPLE = (
    Person("enrolment/S3/hopper-1984.jpg", _HOPPER, (1540, 640), 0.52, frozenset(range(3, CAPTURES))),
    Person("room/obama-2010.jpg", _OBAMA, (766, 645), 0.56, frozenset((0, 11, 12))),
    Person("enrolment/S1/collins-1992.jpg", _COLLINS, (298, 900), 1.05, frozenset((7,))),
    Person("room/biden-2010.jpg", _BIDEN, (1181, 905), 0.66, frozenset()),
)
"""From the back of the room to the front. The last one is a stranger."""

"""The reasons, apart from camera faults, why a slot has no picture; these texts appear in the register.

They are separate from the code that takes pictures, so that the service can count them without loading OpenCV.
"""

from __future__ import annotations

from typing import Final

NOT_RUNNING: Final = "the service was not running"
CLOCK_SET: Final = "the clock was set past it"
UNREADABLE: Final = "its faces were stored and can't be opened any more"
STOOD_STILL: Final = "its process was stopped for a while"
CALLED_OFF: Final = "the timetable called the lesson off"
TOO_SLOW: Final = "the capture before it took too long"

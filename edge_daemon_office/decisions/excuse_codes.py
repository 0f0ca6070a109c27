"""Codes of excuses: a short list, so that nothing is written about anybody's health.

`office.toml` may name other codes (`[schools.ID.excuse_codes]`: code = words), such as those of Moodle or of England's
register.
"""

from __future__ import annotations

from typing import Final

DEFAULT: Final = {
    "illness": "Illness",
    "leave": "Leave that the school granted",
    "appointment": "Appointment",
    "school": "On school business elsewhere",
    "other": "Another reason",
}

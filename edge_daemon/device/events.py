"""The fixed words of the log: the events that have a MESSAGE_ID, and the fields of all events.

A MESSAGE_ID (systemd.journal-fields(7)) never changes, even if the wording of the event does, so that programs can wait
for the event. A field that is not in `FIELDS` never reaches the log, so no name or face can get there by mistake.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

EVENTS: Final = MappingProxyType(
    {
        "service started": "ddc32168345e48fb9b6c7276973e96ae",
        "service stopped": "b7b620ce468a4351afab9bfa1c22a01b",
        "lesson started": "972970ccc3eb45f785eaf97b33e03c9a",
        "capture missed": "0699667d8aea4763bd86afd61912300c",
        "lesson finalised": "7fe128696dea49158b3689ee9bf8de1f",
        "lessons went by": "c7227e2fa0844d4eb0d4d07b87955d24",
        "camera keeps failing": "72245a2a2e174d918688a9f42e0f70fa",
        "camera answers again": "30641dd920f040ef923a34c7b4766322",
        "timetable broken": "4e29cf9682fd489eabdccd7388d91802",
        "storage fault": "284ac18cc26d4e38952f614c04d14cbd",
        "database damaged": "1ce96d0940ac4ad4b0b7fb8566d63cfc",
        "storage repaired": "3aebc1b43ece4bf2a0950e9e13627d92",
        "clock changed": "343d6585f24c4bad95846fb4f1c2e8f9",
        "worker failed": "164f59e8fabf418fafe4b4b160623b85",
        "document pulled": "19176478c469435f8356f18960f1144b",
        "document refused": "c0df3a7b1a01441e9915fa70b92f0cb6",
        "document applied": "896c578a3d1e45c9ae03c5f22e86c1c8",
        "worker hangs": "63e0451205ef4597a1f86f1ad6cbb9c7",
        "delivery parked": "5b0a4e9d6c0f4c3f9a6d1b7e2f83c014",
        "destination refuses": "c1d7f2a84be94f57b0e66a3d9f215b68",
        "ledger changed": "f0b4d5ad1c5f4d0c9f3a2c2a1f5e7d60",
        "delivery not proven": "3c4f0a9e57d64b0d8d0fb4a6f2f7c9e1",
        "sync ended": "8e3b6a1fd2704c9b95c8e07f4d1a62b3",
    }
)
"""The MESSAGE_ID of each event, by the event's wording."""

FIELDS: Final = MappingProxyType(
    {
        "lesson_id": "the lesson's id, as in its register",
        "slot": "place in the lesson's capture plan, from 0",
        "reason": "why, in plain words",
        "camera": "kind of camera",
        "model": "model of the camera's sensor",
        "lens_position": "where the lens stands, in dioptres",
        "exposure_us": "exposure time in microseconds",
        "captures": "number of captures",
        "captures_taken": "captures of the lesson that were taken",
        "missed": "captures missed in a row",
        "slots_done": "captures of the lesson that were taken or missed before",
        "lessons": "number of lessons",
        "sessions": "number of stretches of time",
        "moved_s": "seconds by which the clock moved",
        "task": "what a worker was started for",
        "events_left_out": "events of the calendars that are no lessons here",
        "file": "file that is meant",
        "where": "file and line",
        "destination": "the receiver: upstream or mail",
        "kind": "what should be delivered",
        "delivered": "number of items that were delivered",
        "waiting": "number of items that wait",
        "parked": "number of items that were refused and need a person",
        "document": "what came from the office: its file",
    }
)
"""Description of each field by its name, in the order of the documentation. The journal has the names in capitals."""

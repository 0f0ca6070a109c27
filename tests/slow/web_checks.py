"""Checks the device's client with a real web server, and what the server refuses, as docs/UPSTREAM.md describes it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from datetime import date

from edge_daemon.delivery import document_paths
from tests.slow.web_server import FORTY, OTHER, ROOM, Web, place


def check_documents(server: Web, found: dict[str, object]) -> None:
    """Deliver a document, deliver it again, replace it, pull one, and read as the office does."""
    file = server.documents / place(1)
    with server.upstream() as office:
        found["register_arrives"] = office.put(place(1), FORTY, write_once=True).name == "delivered"
        found["register_lies_there_byte_for_byte"] = file.read_bytes() == FORTY
        found["again_is_known"] = "already" in office.put(place(1), FORTY, write_once=True).answer
        other = office.put(place(1), FORTY + b" ", write_once=True)
        found["another_is_parked"] = other.name == "parked" and not other.receiver_down and file.read_bytes() == FORTY
        replaced = [
            office.put(document_paths.status(ROOM), body, write_once=False).name for body in (b"{}", b'{"a":1}')
        ]
        found["status_is_replaced"] = (
            replaced == ["delivered"] * 2 and server.raw("GET", document_paths.status(ROOM)) == 200
        )
        roster = document_paths.for_device(ROOM, "roster.csv")
        found["roster_by_the_office"] = server.raw("PUT", roster, b"student_id\n", name="office") == 201
        lists = ("corrections", "excuses", "check_ins", "withdrawals", "removals")
        written = [
            server.raw("PUT", document_paths.for_device(OTHER, f"{n}.json"), b"{}", name="office") for n in lists
        ]
        found["every_list_by_the_office"] = written == [201] * len(lists)
        first = office.get(roster, "", 1000)
        found["roster_is_pulled_once"] = (
            first.body == b"student_id\n" and office.get(roster, first.etag, 1000).status == 304
        )
    found["collect_reads_it"] = server.collected()
    with server.upstream(OTHER) as office:
        found["name_with_blank_and_umlaut"] = office.put(place(1, OTHER), FORTY, write_once=True).name == "delivered"


def check_refusals(server: Web, found: dict[str, object]) -> None:
    """Try what a thief of a device's password could; record the server's answers, which differ between servers."""
    found["overwriting_past_our_client"] = server.raw("PUT", place(1), b"forged")
    found["if_none_match_at_put"] = server.raw("PUT", document_paths.status(ROOM), b"{}", If_None_Match="*")
    found["into_another_devices_folder"] = server.raw("PUT", "v1/devices/room-205/status.json", b"{}")
    found["reading_another_devices_folder"] = server.raw("GET", place(1), name=OTHER)
    found["delete"] = server.raw("DELETE", place(1))
    found["register_unchanged"] = (server.documents / place(1)).read_bytes() == FORTY
    with server.upstream(password="wrong") as office:
        outcome = office.put(place(2), FORTY, write_once=True)
    found["wrong_password_parks_everything_once"] = (outcome.name, outcome.receiver_down) == ("parked", True)


def check_office_copy(server: Web, found: dict[str, object]) -> None:
    """Deliver a day index, and let the office read the folders by their address."""
    index = document_paths.delivered(ROOM, date(2026, 11, 30))
    row = {"path": place(1).partition(f"/{ROOM}/")[2], "sha256": hashlib.sha256(FORTY).hexdigest()}
    document = {"schema": 1, "device": ROOM, "day": "2026-11-30", "documents": [row], "left_out": 0}
    with server.upstream() as office:
        outcome = office.put(index, json.dumps(document).encode(), write_once=False)
    found["day_index_arrives"] = outcome.name == "delivered"
    tree = server.office_ingests()
    found["office_has_the_register"] = (tree / place(1)).read_bytes() == FORTY
    for path in [server.documents / "v1" / "devices", *(server.documents / "v1" / "devices").rglob("*")]:
        os.utime(path, (time.time() - 600,) * 2)
    server.office_ingests()  # sees the new times of the folders
    before = server.requests()
    server.office_ingests()
    found["office_requests_without_news"] = server.requests() - before
    found["office_asks_little_without_news"] = server.requests() - before <= 5


def check_broken_off(server: Web, found: dict[str, object]) -> None:
    """Break a request off in the middle of its body."""
    server.break_off()
    found["broken_off_put_leaves_nothing"] = not (server.documents / place(3)).exists()

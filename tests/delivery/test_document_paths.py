"""The paths of documents on the server."""

from __future__ import annotations

from datetime import date

import pytest

from edge_daemon.delivery import document_paths
from edge_daemon.errors import DeliveryError


def test_every_document_has_its_place():
    assert document_paths.register("room-1", "abc", 2) == "v1/devices/room-1/registers/abc/2.json"
    assert document_paths.commitment("room-1", "r") == "v1/devices/room-1/commitments/r.json"
    assert document_paths.status("room-1") == "v1/devices/room-1/status.json"
    assert document_paths.day("room-1", date(2026, 11, 3)) == "v1/devices/room-1/days/2026-11-03.json"
    assert document_paths.key("room-1") == "v1/devices/room-1/key.json"
    assert document_paths.mail("room-1", "<a.b@room-1>") == "v1/devices/room-1/mail/a.b@room-1.json"
    assert document_paths.for_device("room-1", "roster.csv") == "v1/devices/room-1/roster.csv"


@pytest.mark.parametrize(
    ("device", "folder"),
    [("../..", ".._.."), ("..", "_"), ("", "_"), ("a/b\\c", "a_b_c"), ("Räum 1", "Räum 1"), ("a\n", "a_")],
)
def test_no_name_of_a_device_leads_out_of_its_folder(device, folder):
    assert document_paths.device_folder(device) == f"v1/devices/{folder}"
    document_paths.quoted(document_paths.status(device))


def test_a_path_is_quoted_for_an_address():
    assert document_paths.quoted("v1/Räum 1/50%?#@.json") == "v1/R%C3%A4um%201/50%25%3F%23%40.json"


@pytest.mark.parametrize("path", ["", "/v1", "v1/", "v1/../x", "v1/.", "v1//x", "a\x00b", "a\\b"])
def test_a_path_that_leads_elsewhere_is_refused(path):
    with pytest.raises(DeliveryError):
        document_paths.quoted(path)

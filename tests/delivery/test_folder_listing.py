"""Listings from a server that lies: no exception but DeliveryError, because each run of the office parses them."""

from __future__ import annotations

import pytest

from edge_daemon.delivery.folder_listing import http_date, is_name, of_propfind
from edge_daemon.errors import DeliveryError


def propfind(href: str, head: str = "", encoding: str = "utf-8") -> bytes:
    text = f'{head}<multistatus xmlns="DAV:"><response><href>{href}</href></response></multistatus>'
    return text.encode(encoding)


@pytest.mark.parametrize("href", ["//[x/", "http://[::1", "http://a\u2100b/x", ""])
def test_an_address_that_is_none_is_left_out(href):
    assert not of_propfind(propfind(href), "/v1", "school.example", None).entries


@pytest.mark.parametrize("encoding", ["foo", "idna", "utf-7", "base64"])
def test_the_encoding_that_an_answer_claims_counts_for_nothing(encoding):
    body = propfind("/v1/a", f'<?xml version="1.0" encoding="{encoding}"?>')
    assert [one.name for one in of_propfind(body, "/v1", "school.example", None).entries] == ["a"]


def test_entities_do_not_pass_in_another_encoding():
    head = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]>'
    with pytest.raises(DeliveryError, match="is not UTF-8"):
        of_propfind(propfind("/v1/&b;", head, "utf-16"), "/v1", "school.example", None)


@pytest.mark.parametrize("text", ["Thu, 01 Jan 2026 00:00:00 +9999999999999", "1 Jan 2026 99999999999:00:00 GMT"])
def test_a_time_out_of_range_is_none(text):
    assert http_date(text) is None


def test_a_name_has_to_fit_into_a_file_system():
    assert is_name("ä" * 120)
    assert not is_name("ä" * 121)

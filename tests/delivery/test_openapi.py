"""docs/openapi.yaml and its schemas against the bytes that really go over the wire, in both directions."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from edge_daemon.attendance.commitment import PlanCommitment, sign_commitment
from edge_daemon.delivery import document_paths
from tests.delivery.upstreams import upstream
from tests.office_server import OfficeServer
from tests.registers import SIGNER, START, a_lesson, register_document

DOCS = Path(__file__).parents[2] / "docs"
OPENAPI = yaml.safe_load((DOCS / "openapi.yaml").read_text(encoding="utf-8"))
SCHEMAS = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in DOCS.glob("*.schema.json")}
REGISTRY = Registry().with_resources(
    [(name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items()]
    + [("openapi.yaml", DRAFT202012.create_resource(OPENAPI))]
)
LESSON = a_lesson()
REGISTER = document_paths.register("room-1", LESSON.lesson_id, 1)


def resolved(part):
    """Return the target of a $ref within openapi.yaml; a $ref to another file is a schema."""
    while "$ref" in part and part["$ref"].startswith("#/"):
        found = OPENAPI
        for step in part["$ref"][2:].split("/"):
            found = found[step]
        part = found
    return part


def hold(value, schema) -> None:
    reference = schema.get("$ref", "")
    at = {"$ref": f"openapi.yaml{reference}"} if reference.startswith("#/") else schema
    jsonschema.Draft202012Validator(at, registry=REGISTRY).validate(value)


def described(path: str, method: str):
    """The item and operation of openapi.yaml for a request, concrete paths before those with a variable end."""
    for template in sorted(OPENAPI["paths"], key=lambda one: one.endswith("}")):
        pattern = re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(template))
        item = OPENAPI["paths"][template]
        if re.fullmatch(pattern, path) and method.lower() in item:
            return item, item[method.lower()]
    raise AssertionError(f"{method} {path} is not described")


def check_requests(server) -> None:
    for seen in server.seen:
        _, operation = described(seen.path.removeprefix(server.prefix), seen.method)
        for parameter in map(resolved, operation.get("parameters", ())):
            if parameter["in"] == "header" and parameter.get("required"):
                hold(seen.headers[parameter["name"]], parameter["schema"])
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"][seen.headers["Content-Type"]]["schema"]
            hold(json.loads(gzip.decompress(seen.body)), schema)


def check_answers(server) -> set[tuple[str, int]]:
    statuses = set()
    for answered in server.answered:
        _, operation = described(answered.path.removeprefix(server.prefix), answered.method)
        answer = resolved(operation["responses"][str(answered.status)])
        kinds = answer.get("content", {})
        kind = answered.headers.get("Content-Type", "")
        if answered.body and "json" in kind:
            hold(json.loads(answered.body), kinds[kind]["schema"])
        elif answered.body:
            assert "*/*" in kinds or "application/json" in kinds
        statuses.add((answered.method, answered.status))
    return statuses


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that has had every kind of request of a device, and has given every kind of answer."""
    with OfficeServer(tmp_path_factory.mktemp("o") / "office") as office, upstream(office) as device:
        register, plan = (
            register_document(40),
            PlanCommitment(LESSON.lesson_id, LESSON.start, LESSON.end, 100, "ab" * 32),
        )
        ref, commitment = sign_commitment("room-1", START, [plan], None, SIGNER)
        key = {"schema": 1, "device": "room-1", "public_key": SIGNER.public_key}
        for fault in ("", "", "400", "401", "403", "409", "413", "422", "429", "500", "503"):
            office.faults.extend([fault] if fault else [])
            device.put(REGISTER, register, write_once=True)
        device.put(REGISTER, register_document(3), write_once=True)
        device.put(document_paths.commitment("room-1", ref), commitment.encode(), write_once=True)
        for _ in range(2):
            device.put(document_paths.key("room-1"), json.dumps(key).encode(), write_once=False)
            device.put(document_paths.status("room-1"), b"{}", write_once=False)
            device.put(document_paths.day("room-1", START.date()), b"{}", write_once=False)
            device.put(document_paths.mail("room-1", "<a@room-1>"), b"{}", write_once=False)
        office.store(document_paths.for_device("room-1", "roster.csv"), b"student_id\n", write_once=False)
        pulled = device.get(document_paths.for_device("room-1", "roster.csv"), "", 1000)
        device.get(document_paths.for_device("room-1", "roster.csv"), pulled.etag, 1000)
        device.get(document_paths.for_device("room-1", "timetable.ics"), "", 1000)
        device.get("v1/documents", "", 100_000)
        office.feed_limit = 2
        cursor = json.loads(device.get("v1/documents", "", 100_000).body)["cursor"]
        device._server.ask("GET", f"v1/documents?after={cursor}", headers={}, max_bytes=100_000)
        office.forget_cursors()
        device._server.ask("GET", f"v1/documents?after={cursor}", headers={}, max_bytes=100_000)
        yield office


def test_every_request_of_a_device_is_as_described(server):
    check_requests(server)
    assert {one.path.rpartition("/")[2] for one in server.seen} >= {"1.json", "key.json", "status.json", "roster.csv"}


def test_every_answer_of_the_server_is_as_described(server):
    statuses = check_answers(server)
    assert {status for method, status in statuses if method == "PUT"} == {
        200, 201, 400, 401, 403, 409, 412, 413, 422, 429, 500, 503,
    }  # fmt: skip
    assert {status for method, status in statuses if method == "GET"} >= {200, 304, 404, 410}


def test_the_checks_would_see_what_is_wrong(server):
    for value in ({"schema": 1}, {"schema": 1, "sha256": "short"}, []):
        with pytest.raises(jsonschema.ValidationError):
            hold(value, {"$ref": "receipt.schema.json"})
    with pytest.raises(jsonschema.ValidationError):
        hold({"documents": [{"path": "x"}]}, {"$ref": "#/components/schemas/listing"})
    with pytest.raises(AssertionError):
        described("/v1/elsewhere", "PUT")


def test_every_schema_is_one():
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert OPENAPI["openapi"].startswith("3.1.")


def test_every_reference_leads_somewhere():
    def references(part):
        if isinstance(part, dict):
            yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
            part = list(part.values())
        if isinstance(part, list):
            for one in part:
                yield from references(one)

    found = set(references(OPENAPI))
    assert len(found) > 10
    for reference in found:
        if reference.startswith("#/"):
            assert resolved({"$ref": reference})
        else:
            assert reference in SCHEMAS

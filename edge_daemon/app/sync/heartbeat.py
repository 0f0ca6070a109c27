"""The state of the device for the school's server: `status.json`, replaced at each sync (docs/heartbeat.schema.json).

It is made from what this process may see: the database of registers, the service's status file, and the computer's own
figures. It never contains a student, not even an id: from the status file only the fields named here are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Union

from edge_daemon import __version__
from edge_daemon.app.sync.day_documents import without_addresses
from edge_daemon.device.clock import SystemClock
from edge_daemon.device.host import Host, read_host
from edge_daemon.device.status import STALE_S, ServiceStatus, age_s, read_status
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import backlog
from edge_daemon.store.alarms import alarms
from edge_daemon.store.leavers import ComingErasures, read_coming
from edge_daemon.store.migrations import REGISTER
from edge_daemon.store.plans import committed_plans
from edge_daemon.store.pulled import PulledDocument, pulled_documents
from edge_daemon.timestamps import written

Value = Union[None, bool, int, float, str, "list[Value]", "dict[str, Value]"]

SCHEMA = 1
_AHEAD_S = 14 * 86400
_MOST_PLANS = 40
_POWER = {"under_voltage": 0, "frequency_capped": 1, "throttled": 2, "hot": 3}
"""Bits of `vcgencmd get_throttled` for the present state; a bit 16 places higher stands for "since the start"."""


def heartbeat(home: Home, db: sqlite_utils.Database, now: datetime) -> dict[str, Value]:
    """Return the document; values that can't be found out are null.

    Raises:
        StoreError: the database can't be read.
    """
    host = read_host(home.state_dir)
    last = backlog.last_register(db)
    return {
        "schema": SCHEMA,
        "device": home.config.device.name,
        "at": _time(now),
        "version": __version__,
        "database_schema": REGISTER.version,
        "models": dict(last.models) if last else {},
        "clock": SystemClock(trusted=home.config.device.trust_clock).reading().state,
        "queue": {name: _queue(one) for name, one in backlog.backlogs(db).items()},
        "last_register": _last(last) if last else None,
        "registers": backlog.count_registers(db),
        "coming": _coming(db, now),
        "pulled": {one.name: _pulled(one) for one in pulled_documents(db)},
        "coming_erasures": _erasures(read_coming(db)),
        "service": _service(home),
        "computer": _computer(host),
        "alarms": {one.name: {"since": _time(one.at), "what": without_addresses(one.what)} for one in alarms(db)},
    }


def _queue(one: backlog.Backlog) -> Value:
    return {
        "state": one.state,
        "since": _time(one.since),
        "answer": without_addresses(one.answer),
        "waiting": one.waiting,
        "held": one.held,
        "parked": one.parked,
        "delivered": one.delivered,
        "oldest": _time(one.oldest),
    }


def _last(last: backlog.LastRegister) -> Value:
    return {
        "lesson_id": last.lesson_id,
        "revision": last.revision,
        "sha256": last.sha256,
        "end": _time(last.end),
        "captures_planned": last.captures_planned,
        "captures_taken": last.captures_taken,
    }


def _coming(db: sqlite_utils.Database, now: datetime) -> Value:
    """Return the commitments for coming lessons; the seeds themselves stay here until the register is made."""
    plans = committed_plans(db, now, now + timedelta(seconds=_AHEAD_S))
    return [
        {
            "lesson_id": plan.lesson.lesson_id,
            "start": _time(plan.lesson.start),
            "end": _time(plan.lesson.end),
            "captures_planned": plan.captures_planned,
            "seed_sha256": plan.seed_sha256,
        }
        for plan in plans[:_MOST_PLANS]
    ]


def _pulled(one: PulledDocument) -> Value:
    return {
        "fetched": _time(one.fetched_at),
        "applied": _time(one.applied_at),
        "applied_sha256": one.applied_sha256 or None,
        "problem": without_addresses(one.problem),
    }


def _erasures(coming: ComingErasures | None) -> Value:
    return {"students": coming.students, "first": coming.first.isoformat()} if coming else None


def _service(home: Home) -> Value:
    """Return the service's own status; the sandbox of this process hides whether the service's process exists."""
    status = _status(home)
    if status is None:
        return None
    return {
        "state": "silent" if age_s(status) > STALE_S else status.state,
        "started": _time(status.started_utc),
        "said": _time(status.updated_utc),
        "next_lesson": _time(status.next_lesson_start),
        "worker_restarts": status.worker_restarts,
        "captures_taken": status.captures_total,
        "captures_missed": _counts(status.missed_total),
        "problems": {name: without_addresses(fault) for name, fault in status.faults().items()},
    }


def _status(home: Home) -> ServiceStatus | None:
    try:
        return read_status(home.runtime_dir)
    except PermissionError:
        return None


def _counts(counts: Mapping[str, int]) -> Value:
    found: dict[str, Value] = dict(counts)
    return found


def _computer(host: Host) -> Value:
    bits = host.throttled
    return {
        "disk_size_mb": host.disk_size_bytes // 2**20,
        "disk_free_mb": host.disk_free_bytes // 2**20,
        "memory_available_mb": host.memory.available // 2**20 if host.memory else None,
        "temperature_c": round(host.temperature_c, 1) if host.temperature_c is not None else None,
        "power_now": None if bits is None else [name for name, bit in _POWER.items() if bits >> bit & 1],
        "power_since_start": None if bits is None else [name for name, bit in _POWER.items() if bits >> bit + 16 & 1],
        "last_backup": _time(host.last_backup),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else written(at.replace(microsecond=0))

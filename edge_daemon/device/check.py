"""Runs one check of an installation. A check gives a finding and advice, never raises an error and never hangs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge_daemon.device import journal
from edge_daemon.errors import EdgeError

logger = logging.getLogger(__name__)

State = Literal["good", "warning", "bad", "not checked"]
LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check."""

    name: str
    state: State
    found: str
    advice: str = ""


def checked(name: str, look: Callable[[], Check], limit_s: float = LIMIT_S) -> Check:
    """Run a check and return its result. If it raises an error or takes too long, the result says so.

    Args:
        name: name of the check in the result of an error or timeout.
        look: makes the check. It runs in a thread of its own, which is abandoned after the time limit.
        limit_s: time limit in seconds.
    """
    found: list[Check] = []
    thread = threading.Thread(target=lambda: found.append(_looked(name, look)), name=f"check {name}", daemon=True)
    thread.start()
    thread.join(limit_s)
    if found:
        return found[0]
    return Check(name, "bad", f"no answer within {limit_s:g} s", "look at the log of the system: `dmesg`")


def _looked(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except EdgeError as error:
        what = f"{error.where}: {error.what}" if error.where else error.what
        return Check(name, "bad", what, error.hint)
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        return Check(name, "bad", f"{where}{error.strerror or type(error).__name__}", "check owner, mode and disk")
    except Exception as error:  # the edge of a thread: one broken check must not stop the others
        if journal.shows_tracebacks():
            logger.exception("check failed")
        return Check(name, "bad", f"internal error, {type(error).__name__}", "report it with EDGE_DAEMON_DEBUG=1")

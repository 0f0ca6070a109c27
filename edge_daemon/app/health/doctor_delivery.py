"""The checks of `doctor` about delivery: whether the school's server accepts this device, and whether items arrive."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from edge_daemon.app.health.delivery_overview import look_at_delivery
from edge_daemon.app.sync.receiver_settings import is_set_up
from edge_daemon.device import connectivity
from edge_daemon.device.authorities import by_3_13
from edge_daemon.device.check import Check
from edge_daemon.errors import DeliveryError, KeyFileError
from edge_daemon.home import Home
from edge_daemon.store.alarms import KEY, MISSING, PLACE

_MAX_BYTES = 64 * 1024
_SOMEBODY_WRITES = "look at what is there, remove it, and give this device another token (docs/UPSTREAM.md)"
_ALARM_HINTS = {
    PLACE: _SOMEBODY_WRITES,
    KEY: _SOMEBODY_WRITES,
    MISSING: "wait for two syncs; `edge-daemon outbox resend --since DAY` sends earlier documents",
}
_ANSWERED = (200, 304, 404)
_ONLY_SYNC = "only the sync service has the token: `systemctl start edge-daemon-sync` tries it"


def upstream_check(home: Home) -> Check:
    """Connect, encrypt, and request this device's own heartbeat with its token; nothing is changed on the server."""
    settings, folder = home.config.upstream, home.config_path.parent
    found = connectivity.upstream(settings, folder)
    if found.state != "good" and not settings.proxy:
        return found
    from edge_daemon.delivery import document_paths  # loads network libraries, which only a server needs
    from edge_daemon.delivery.upstream import Upstream
    from edge_daemon.delivery.upstream_settings import read_token

    try:
        token = read_token(settings, folder)
    except (DeliveryError, KeyFileError):
        if home.home_mode:
            raise
        return Check("upstream", found.state, f"{found.found}; its token was not tried", _ONLY_SYNC)
    device = home.config.device.name
    with closing(Upstream(settings, token, config_dir=folder, device=device)) as server:
        answer = server.get(document_paths.status(device), "", _MAX_BYTES)
    if answer.problem is not None:
        return Check("upstream", "bad", answer.problem.answer, "correct upstream.url, upstream.kind or the token")
    knows = "has the state of this device" if answer.status != _ANSWERED[-1] else "has nothing of this device yet"
    good = Check("upstream", "good", f"{found.found}; it accepts the token, and {knows}")
    ca_file = folder / settings.ca_file if settings.ca_file else None
    return by_3_13(good, ca_file, connectivity.upstream_by_3_13(settings, folder))


def network_check(home: Home, root: Path) -> Check:
    """Check the network, without which no waiting item can be delivered."""
    found = connectivity.network(root)
    if found.state == "warning" and any(is_set_up(home).values()):
        return replace(found, state="bad")
    return found


def mail_check(home: Home) -> Check:
    """Connect to the mail server and encrypt, without login and without sending a message."""
    settings, folder = home.config.mail, home.config_path.parent
    return by_3_13(connectivity.mail(settings, folder), folder / settings.ca_file if settings.ca_file else None)


def delivery_check(home: Home, now: datetime) -> Check:
    """Report waiting items, refused items, and the time of the last sync."""
    overview = look_at_delivery(home, now)
    if overview is None:
        return Check("delivery", "not checked", "there is no register yet")
    waiting = sum(queue.waiting for queue in overview.queues.values())
    parked = sum(queue.parked for queue in overview.queues.values())
    if overview.is_quiet:
        advice = "set upstream.url or mail.host, if they are to leave this device"
        return Check("delivery", "not checked", f"no receiver is set; {waiting} items wait", advice)
    last = overview.note
    synced = f"the last sync {last.began_at:%Y-%m-%d %H:%M} UTC" if last.began_at is not None else "no sync yet"
    found = f"{waiting} items wait, {parked} are parked; {synced}"
    problems = list(overview.problems())
    for alarm in overview.alarms:
        if alarm.name in _ALARM_HINTS:
            return Check(
                "delivery", "bad", f"{alarm.what} (since {alarm.at:%Y-%m-%d %H:%M} UTC)", _ALARM_HINTS[alarm.name]
            )
    if not problems:
        return Check("delivery", "good", found)
    return Check("delivery", "bad", f"{found}; {'; '.join(problems)}", "see `edge-daemon outbox list`")

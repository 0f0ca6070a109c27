"""The checks of `doctor` beyond the computer itself: settings, models, databases, timetable, camera, service."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_daemon.app.health.doctor_delivery import delivery_check, mail_check, network_check, upstream_check
from edge_daemon.app.health.doctor_erasures import erasures_check
from edge_daemon.app.health.doctor_office import office_key_check
from edge_daemon.app.health.doctor_service import disk_check, running_service, service_check
from edge_daemon.app.health.doctor_updates import updates_check
from edge_daemon.app.health.last_lesson import lesson_problems
from edge_daemon.app.health.network_findings import handed_over
from edge_daemon.app.notices.composer import templates_of
from edge_daemon.app.notices.outbox_rows import sends_mail
from edge_daemon.app.opening.models_and_gallery import camera_settings, embedder_id, load_models, open_gallery_store
from edge_daemon.app.opening.timetable_files import timetable_of_files, unusable
from edge_daemon.camera.base import WARM_UP_S
from edge_daemon.camera.process import CameraProcess
from edge_daemon.config import CameraConfig
from edge_daemon.device import host as hosts
from edge_daemon.device import host_checks
from edge_daemon.device.check import LIMIT_S, Check, checked
from edge_daemon.device.clock import clock_state
from edge_daemon.device.key_checks import device_key_check, passwords
from edge_daemon.device.secrets import DEVICE_KEY_CREDENTIAL, credential
from edge_daemon.errors import CameraError, DeliveryError, ModelError
from edge_daemon.home import Home
from edge_daemon.plain_text import counted
from edge_daemon.store.alarms import OF_DELIVERY, alarms
from edge_daemon.store.database import open_register
from edge_daemon.store.registers import first_record, latest_registers
from edge_daemon.vision.golden import mask_parity, parity, verifier_parity
from edge_daemon.vision.interpreter import runtime_name
from edge_daemon.vision.models import default_models_dir
from edge_daemon.vision.timing import time_embedders

__all__ = ["Check", "Doctor"]

_TELLING = 0.9
"""Another model file is recommended only if it takes less than this share of the present file's time, because a change
means a new import of all students."""
_HOLDS_CAMERA = ("starting", "lesson")
_AHEAD = timedelta(days=7)


class Doctor:
    """All checks of one installation.

    Args:
        home: the installation.
        root: the root folder of /proc and /sys.
        limit_s: time limit for one check.
    """

    def __init__(self, home: Home, root: Path = Path("/"), limit_s: float = LIMIT_S) -> None:
        self._home, self._root, self._limit_s = home, root, limit_s
        self._host = hosts.read_host(home.state_dir, root)

    def checks(self) -> Iterator[Check]:
        """Yield one check after another; each ends within the limit, and none raises an error."""
        settings = checked("settings", self._settings, self._limit_s)
        yield settings
        named: dict[str, Callable[[], Check]] = {
            "models": self._models,
            "parity": self._parity,
            **({"masks": self._masks} if settings.state != "bad" and self._home.config.mask.enabled else {}),
            "embedder": self._embedder,
            "gallery": self._gallery,
            "device key": self._device_key,
            "passwords": self._passwords,
            "timetable": self._timetable,
            "camera": self._camera,
            "clock": self._clock,
            "mail": lambda: handed_over("mail") or mail_check(self._home),
            "mail texts": self._mail_texts,
            "upstream": lambda: handed_over("upstream") or upstream_check(self._home),
            "office key": lambda: office_key_check(self._home),
            "erasures": lambda: erasures_check(self._home),
            "delivery": lambda: delivery_check(self._home, datetime.now(timezone.utc)),
        }
        if settings.state != "bad":  # without settings the models and the camera are unknown
            yield from (checked(name, look, self._limit_s) for name, look in named.items())
        for name, look in self._without_settings().items():
            yield checked(name, look, self._limit_s)

    def network_checks(self) -> Iterator[Check]:
        """Yield the checks that need the network but no sealed data."""
        settings = checked("settings", self._settings, self._limit_s)
        if settings.state != "bad":
            yield checked("mail", lambda: mail_check(self._home), self._limit_s)
            yield checked("upstream", lambda: upstream_check(self._home), self._limit_s)
        yield checked("network", lambda: network_check(self._home, self._root), self._limit_s)

    def _without_settings(self) -> dict[str, Callable[[], Check]]:
        home, host = self._home, self._host
        now = datetime.now(timezone.utc)
        return {
            "registers": self._registers,
            "service": lambda: service_check(home),
            "state folder": lambda: host_checks.folder(home.state_dir, expected=not home.home_mode),
            "backup": lambda: host_checks.backup(host, now, self._first_record()),
            "disk": lambda: disk_check(home, host),
            "memory": lambda: host_checks.memory(host, self._memory_limit()),
            "temperature": lambda: host_checks.temperature(host),
            "power": lambda: host_checks.power(host),
            "network": lambda: handed_over("network") or network_check(home, self._root),
            "updates": lambda: updates_check(self._root, expected=not home.home_mode),
        }

    def _first_record(self) -> datetime | None:
        """Return since when this device has data to back up; None if it has none, or with `--home`."""
        if self._home.home_mode or not self._home.register_db_path.exists():
            return None
        db = open_register(self._home.register_db_path, create=False)
        with closing(db.conn):
            first = first_record(db)
        # Students may be enrolled before the first lesson; then the last change of the file counts.
        return first or datetime.fromtimestamp(self._home.register_db_path.stat().st_mtime, timezone.utc)

    def _settings(self) -> Check:
        _ = self._home.config
        path = self._home.config_path
        return Check("settings", "good", str(path) if path.exists() else "defaults")

    def _models(self) -> Check:
        models = load_models(self._home.config)
        return Check("models", "good", f"{len(models.files)} files verified, interpreter {runtime_name()}")

    def _parity(self) -> Check:
        folder = Path(self._home.config.models.dir or default_models_dir())
        try:
            models = load_models(self._home.config)
            found, gate = parity(models.embedder(), folder), verifier_parity(models.card("verifier"), folder)
        except ModelError as error:  # the school's own networks: there is no reference for their results
            return Check("parity", "not checked", f"{error.where}: {error.what}", error.hint)
        text = f"{found.model} under {runtime_name()} on {found.faces} stored faces: cosine {found.worst_cosine:.4f}"
        text += f"; {gate.model}: logit within {gate.logit:.2f}, points within {gate.px:.1f} px"
        if found.holds and gate.holds:
            return Check("parity", "good", text)
        advice = "reinstall the interpreter and NumPy (requirements-arm.txt): nobody would be recognised correctly"
        return Check("parity", "bad", f"{text}, at least {found.least} is right", advice)

    def _masks(self) -> Check:
        models = load_models(self._home.config)
        try:
            found = mask_parity(models, Path(self._home.config.models.dir or default_models_dir()))
        except ModelError as error:
            return Check("masks", "not checked", f"{error.where}: {error.what}", error.hint)
        text = f"{found.model} on {found.faces} stored faces: differs by {found.worst_difference:.3f} at most"
        if found.holds:
            return Check("masks", "good", text)
        return Check("masks", "bad", text, "reinstall the interpreter and NumPy: masks would be recognised wrongly")

    def _embedder(self) -> Check:
        models = load_models(self._home.config)
        times_ms = time_embedders(models)
        used = models.embedder()
        own = next(p for p in times_ms if f"embedder_{p}" in used.roles)
        fastest = min(times_ms, key=lambda p: times_ms[p])
        found = ", ".join(f"{precision} {ms:.1f} ms" for precision, ms in sorted(times_ms.items()))
        found = f"{own} is used; a face takes: {found}"
        if times_ms[fastest] < _TELLING * times_ms[own]:
            advice = f'set embedder = "{fastest}" under [models], then run `edge-daemon enrol import` again'
            return Check("embedder", "warning", found, advice)
        return Check("embedder", "good", found)

    def _gallery(self) -> Check:
        if not self._home.gallery_db_path.exists():
            return Check("gallery", "warning", "nobody is enrolled", self._home.enrol_step)
        if not self._home.home_mode and credential(DEVICE_KEY_CREDENTIAL) is None:
            return Check("gallery", "not checked", "it opens with the device key only")
        store = open_gallery_store(self._home)
        with closing(store.db.conn):
            students = store.students()
            templates = store.templates(embedder_id(load_models(self._home.config)))
        found = f"{len(students)} students, {len(templates)} with a template for this embedder"
        if students and not templates:
            return Check("gallery", "bad", found, "run `edge-daemon enrol import` again: nobody would be recognised")
        return Check("gallery", "good", found)

    def _device_key(self) -> Check:
        key_file = self._home.key_path if self._home.home_mode else None
        return device_key_check(key_file, needed=self._home.gallery_db_path.exists(), root=self._root)

    def _passwords(self) -> Check:
        return passwords(self._home.config, self._home.config_path.parent, is_service=not self._home.home_mode)

    def _timetable(self) -> Check:
        config, now = self._home.config, datetime.now(timezone.utc)
        if not config.timetable.files:
            advice = "name iCalendar files under timetable.files"
            return Check("timetable", "warning", "the settings name no calendar, so there are no lessons", advice)
        timetable = timetable_of_files(self._home)
        count = len(timetable.lessons(now, now + _AHEAD))
        found = f"{counted(count, 'lesson')} in the next {_AHEAD.days} days"
        if faults := unusable(self._home, timetable):
            advice = "see `edge-daemon timetable check`"
            named = "; ".join(" ".join(filter(None, (f"{one.where}:", one.what, one.why))) for one in faults)
            return Check("timetable", "bad", named, advice)
        found += f", {counted(len(timetable.left_out), 'event')} left out" if timetable.left_out else ""
        found += f", {counted(len(timetable.remarks), 'remark')}" if timetable.remarks else ""
        if timetable.left_out or not count:
            return Check("timetable", "warning", found, "see `edge-daemon timetable check`")
        return Check("timetable", "good", found)

    def _camera(self) -> Check:
        status = running_service(self._home)
        if status is not None and status.camera_fault:
            return Check("camera", "bad", f"the service says: {status.camera_fault}", "check its cable and settings")
        if status is not None and status.state in _HOLDS_CAMERA:
            hint = "ask again in a minute" if status.state == "starting" else ""
            return Check("camera", "not checked", f"the service uses it, without a fault ({status.detail})", hint)
        settings = camera_settings(self._home)
        try:
            return _one_picture(settings)
        except CameraError as error:
            if not self._home.home_mode or self._home.config.camera != CameraConfig():
                raise
            return Check("camera", "warning", error.what, "set camera.kind and camera.source if the room has a camera")

    def _mail_texts(self) -> Check:
        mail = self._home.config.mail
        if not sends_mail(mail):
            return Check("mail texts", "not checked", "no mail is set up")
        if mail.via == "smtp" and not mail.from_:
            return Check(
                "mail texts", "bad", "no sender is set", "set mail.from to the address that messages come from"
            )
        try:
            own = templates_of(self._home).check()
        except DeliveryError as error:
            return Check("mail texts", "bad", f"{error.where}: {error.what}", error.hint)
        return Check("mail texts", "good", f"{mail.language}, {own} of the school's own")

    def _clock(self) -> Check:
        trusted = self._home.config.device.trust_clock
        return host_checks.clock(clock_state(self._root), datetime.now(timezone.utc), trusted=trusted)

    def _registers(self) -> Check:
        if not self._home.register_db_path.exists():
            return Check("registers", "good", "none yet")
        db = open_register(self._home.register_db_path, create=False)
        with closing(db.conn):
            lessons = len(latest_registers(db))
            if standing := [one for one in alarms(db) if one.name not in OF_DELIVERY]:
                return Check("registers", "bad", standing[0].what, "run `edge-daemon ledger verify`")
            if problems := list(lesson_problems(db, datetime.now(timezone.utc))):
                return Check("registers", "bad", "; ".join(problems), "docs/OPERATIONS.md says what to do")
            revisions = counted(db["registers"].count, "revision")
            return Check("registers", "good", f"{counted(lessons, 'lesson')}, {revisions} of their registers")

    def _memory_limit(self) -> tuple[int, int] | None:
        status = running_service(self._home)
        return hosts.memory_limit(status.pid, self._root) if status is not None else None


def _one_picture(settings: CameraConfig) -> Check:
    """Take a picture like the service does, in a process of its own.

    Raises:
        CameraError: the camera gives no usable picture.
    """
    with CameraProcess(settings, now=lambda: datetime.now(timezone.utc)) as camera:
        camera.prepare(0)
        if settings.kind != "files":
            time.sleep(WARM_UP_S)
        begun_s = time.monotonic()
        frame = camera.capture(0)
        took_s = time.monotonic() - begun_s
    height, width = frame.picture.shape[:2]
    return Check("camera", "good", f"{settings.kind} gave a picture of {width} x {height} in {took_s:.1f} s")

"""`edge-daemon doctor`: is this installation sound, and what should be done about it."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from edge_daemon.app.opening import embedder_id, load_models, open_gallery_store
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.device.health import Check, checked, disk
from edge_daemon.store.database import open_register
from edge_daemon.store.registers import latest_registers
from edge_daemon.vision.interpreter import runtime_name
from edge_daemon.vision.timing import time_embedders

_TELLING = 0.9
"""A file has to be faster by this factor before a change is worth enrolling everybody again."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def doctor(home: Home, as_json: bool) -> None:
    """Check settings, models, databases and disk, and time the embedders. Exit code 1 where something is bad."""
    checks = [checked("settings", lambda: _settings(home))]
    if checks[0].state != "bad":  # without settings nobody knows which models
        checks.append(checked("models", lambda: _models(home)))
        checks.append(checked("embedder", lambda: _embedder(home)))
        checks.append(checked("gallery", lambda: _gallery(home)))
    checks += [checked("registers", lambda: _registers(home)), disk(home.state_dir)]
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=2))
    else:
        for check in checks:
            click.echo(f"{check.state:8}{check.name}: {check.found}")
            if check.advice:
                click.echo(f"{'':8}-> {check.advice}")
    click.get_current_context().exit(1 if any(check.state == "bad" for check in checks) else 0)


def _settings(home: Home) -> Check:
    _ = home.config
    return Check("settings", "good", str(home.config_path) if home.config_path.exists() else "defaults")


def _models(home: Home) -> Check:
    models = load_models(home.config)
    return Check("models", "good", f"{len(models.cards)} files verified, interpreter {runtime_name()}")


def _embedder(home: Home) -> Check:
    models = load_models(home.config)
    times_ms = time_embedders(models)
    used = models.embedder()
    own = next(p for p in times_ms if f"embedder_{p}" in used.roles)
    fastest = min(times_ms, key=lambda p: times_ms[p])
    told = ", ".join(f"{precision} {ms:.1f} ms" for precision, ms in sorted(times_ms.items()))
    found = f"{own} is used; a face takes: {told}"
    if times_ms[fastest] < _TELLING * times_ms[own]:
        advice = f'set embedder = "{fastest}" under [models], then run `edge-daemon enrol import` again'
        return Check("embedder", "warning", found, advice)
    return Check("embedder", "good", found)


def _gallery(home: Home) -> Check:
    if not home.gallery_db_path.exists():
        return Check("gallery", "warning", "nobody is enrolled", "run `edge-daemon enrol import`")
    store = open_gallery_store(home)
    students = store.students()
    templates = store.templates(embedder_id(load_models(home.config)))
    return Check("gallery", "good", f"{len(students)} students, {len(templates)} with a template for this embedder")


def _registers(home: Home) -> Check:
    if not home.register_db_path.exists():
        return Check("registers", "good", "none yet")
    db = open_register(home.register_db_path, create=False)
    lessons = len(latest_registers(db))
    return Check("registers", "good", f"{lessons} lessons, {db['registers'].count} revisions of their registers")

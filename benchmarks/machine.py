"""The machine and the versions of a measurement."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import edge_daemon
from edge_daemon.vision.models import ModelSet

_PACKAGES = ("ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless", "opencv-python")


def described(models: ModelSet) -> dict[str, object]:
    """Return date, machine, versions and model files, which every result includes."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "note": _note(),
        "versions": {"edge-daemon": edge_daemon.__version__, "python": platform.python_version(), **_versions()},
        "models": {card.name: card.sha256[:12] for card in models.files},
    }


def _note() -> str:
    if platform.machine() == "x86_64":
        with_vnni = "with VNNI" if "vnni" in _cpu_info() else "without VNNI"
        return f"x86-64 {with_vnni}: says little about a Pi 4, which has no dot-product instructions"
    return ""


def _cpu_info() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text() if path.exists() else ""


def _cpu() -> str:
    for line in _cpu_info().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    """Return the checkout's commit, with `+` if files of the program differ from it; empty outside a checkout."""
    root = Path(__file__).resolve().parents[1]
    try:
        git = ("git", "-C", str(root))
        head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        state = [*git, "status", "--porcelain", "--", "edge_daemon", "models_tflite"]
        changed = subprocess.run(state, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")

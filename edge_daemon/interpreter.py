"""Starts further processes of this program, isolated from folders and variables that others may write."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

ISOLATED: Final = ("-I", "-X", "faulthandler")
"""`-I` ignores the working directory, the user's site-packages and all PYTHON* variables."""
WORKING_DIRECTORY: Final = "/"
"""Working directory of every process that the program starts: only root may write there."""


def isolated(module: str) -> tuple[str, ...]:
    """Return the command line that runs a module of this program in an isolated interpreter, without arguments.

    Python finds the package in the site-packages of its environment, also in a checkout (`pip install --editable`). It
    needs neither the working directory nor PYTHONPATH.
    """
    return (sys.executable, *ISOLATED, "-m", module)


def isolated_environment(**more: str) -> Mapping[str, str]:
    """Return the environment for a tool that starts interpreters itself (pip), without any PYTHON* variable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONNOUSERSITE": "1", **more}

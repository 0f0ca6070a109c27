"""How this program starts another process of itself: isolated from whoever may write to a folder or an environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

ISOLATED: Final = ("-I", "-X", "faulthandler")
"""`-I`: no module from the working directory, none from the user's site-packages, nothing from PYTHON* variables."""
WORKING_DIRECTORY: Final = "/"
"""Working directory of every process that we start: nobody else may write there."""


def isolated(module: str) -> tuple[str, ...]:
    """Return the command line that runs one of our modules in an isolated interpreter, to which arguments are added.

    In a checkout the package is found through the environment's own site-packages, where `pip install --editable` puts
    it: neither the working directory nor PYTHONPATH is needed.
    """
    return (sys.executable, *ISOLATED, "-m", module)


def isolated_environment(**more: str) -> Mapping[str, str]:
    """Return the environment for a tool that starts interpreters by itself (pip): no PYTHON* variable reaches them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONNOUSERSITE": "1", **more}

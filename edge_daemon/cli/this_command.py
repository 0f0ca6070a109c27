"""How a user calls this program, for advice that can be copied into a shell."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

_NAME = "edge-daemon"


def this_command(*, in_full: bool = False) -> str:
    """Return the program's name, or its path if the search path does not lead to it.

    Args:
        in_full: return the path wherever it is known, because `sudo` has another search path.
    """
    typed, found = sys.argv[0], shutil.which(_NAME)
    is_typed = Path(typed).name == _NAME
    if in_full:
        path = str(Path(typed).absolute()) if is_typed and "/" in typed else found
        return shlex.quote(path) if path else _NAME
    return shlex.quote(typed) if is_typed and found != typed else _NAME

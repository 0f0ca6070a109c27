"""How a user calls this program, for advice that can be copied into a shell."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

from edge_daemon.errors import EdgeError
from edge_daemon.home import Home

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


_INSTALLED = "/opt/edge-daemon/"
"""The folder into which `install.sh` puts the program. Such an installation also has the command `attendance`."""
_BY_SYSTEMD = {"run": "edge-daemon.service", "sync": "edge-daemon-sync.service"}
_FOR_ROOT = frozenset({"update", "update-check", "firstboot"})
_WITHOUT_HOME = _FOR_ROOT | {"collect", "lab", "manual", "mask"}


def commands_here(text: str, home: Home) -> str:
    """Return a text with its commands as they work on this installation.

    With `--home` the commands name the same home. On a device most commands start with `attendance`, which no other
    computer has.
    """
    if home.home_mode:
        return re.sub(r"`edge-daemon (([^\s`]+)[^`]*)`", lambda found: _with_home(found, home), text)
    if not sys.prefix.startswith(_INSTALLED):  # there is no `attendance` either
        return text.replace("`sudo attendance ", f"`{this_command()} --home DIR ")
    return re.sub(r"`edge-daemon (([^\s`]+)[^`]*)`", _on_device, text)


def line_here(error: EdgeError, home: Home) -> str:
    """Return the line of an error whose advice has the commands of this installation."""
    return type(error)(error.what, error.where, commands_here(error.hint, home)).line()


def _with_home(found: re.Match[str], home: Home) -> str:
    words, command = found.groups()
    if command not in _WITHOUT_HOME and command != "--home":
        words = f"--home {shlex.quote(str(home.state_dir))} {words}"
    return f"`{this_command()} {words}`"


def _on_device(found: re.Match[str]) -> str:
    words, command = found.groups()
    if command in _BY_SYSTEMD:
        return f"`sudo systemctl start {_BY_SYSTEMD[command]}`"
    return f"`sudo edge-daemon {words}`" if command in _FOR_ROOT else f"`attendance {words}`"

"""sqlite-utils, imported without NumPy and pandas. Every module takes it from here.

It imports both where they are installed, to store their numbers, of which we have none. They would stay in the memory
of the service for years, where nothing else needs them between lessons.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

_UNNEEDED = ("numpy", "pandas")

_present = {name: sys.modules.get(name) for name in _UNNEEDED}
for _name in _UNNEEDED:
    # None makes an import fail (docs.python.org, the import system).
    sys.modules[_name] = cast(ModuleType, None)
try:
    import sqlite_utils
finally:
    for _name, _module in _present.items():
        if _module is None:
            del sys.modules[_name]
        else:
            sys.modules[_name] = _module

__all__ = ["sqlite_utils"]

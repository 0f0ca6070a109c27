"""sqlite-utils, imported without NumPy and pandas. Every module imports it from here.

sqlite-utils imports both if they are installed, to store their number types, which this program never stores. The
service would hold them in memory for years although it needs neither between lessons.
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

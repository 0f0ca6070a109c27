"""Imports PyTorch, which trains, and TensorFlow, which exports. Both belong to the extra `lab`."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from edge_daemon.errors import LabError

_INSTALL = "in this program's folder: pip install '.[lab]'"


def import_torch() -> Any:
    """Return the module torch.

    Raises:
        LabError: the extra is not installed, or only a part of it: the export at the end needs TensorFlow.
    """
    if find_spec("tensorflow") is None:
        raise LabError("training needs PyTorch and TensorFlow", hint=_INSTALL)
    try:
        import torch
    except ImportError as error:
        raise LabError("training needs PyTorch and TensorFlow", hint=_INSTALL) from error
    return torch


def import_tensorflow() -> Any:
    """Return the module tensorflow.

    Raises:
        LabError: the extra is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow
    except ImportError as error:
        raise LabError("training needs PyTorch and TensorFlow", hint=_INSTALL) from error
    return tensorflow


def fast_bfloat16(torch: Any) -> bool:
    """Return whether this processor multiplies bfloat16 faster than float32."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))

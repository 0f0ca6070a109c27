"""The only module that uses TensorFlow Lite: ai-edge-litert if it is installed, else tflite-runtime."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_daemon.errors import ModelError
from edge_daemon.vision import file_pages

Array = NDArray[Any]

_RUNTIMES = {"litert": "ai_edge_litert.interpreter", "tflite-runtime": "tflite_runtime.interpreter"}


def available_runtimes() -> list[str]:
    """Return the names of the interpreters that can be imported, best first: `litert`, `tflite-runtime`."""
    return [name for name in _RUNTIMES if _module(name) is not None]


def runtime_name() -> str:
    """Return the name of the interpreter that `Model` uses.

    Raises:
        ModelError: none is installed.
    """
    names = available_runtimes()
    if not names:
        raise ModelError("no TensorFlow Lite interpreter is installed", hint="pip install ai-edge-litert")
    return names[0]


def _module(runtime: str) -> ModuleType | None:
    try:
        return importlib.import_module(_RUNTIMES[runtime])
    except ImportError:
        return None


class Model:
    """One network, ready to run.

    A Model is not safe to share between threads: make one for each. Running it releases the GIL.

    Args:
        path: the .tflite file.
        threads: number of threads within one call.
        runtime: `litert` or `tflite-runtime`; by default the first one installed.
        loaded_from: another name of the file, from which it is loaded; errors name `path`.

    Raises:
        ModelError: there is no interpreter, or the interpreter can't run the file.
    """

    def __init__(
        self, path: Path, threads: int = 1, runtime: str | None = None, loaded_from: Path | None = None
    ) -> None:
        self.path = path
        self.runtime = runtime or runtime_name()
        module = _module(self.runtime)
        if module is None:
            raise ModelError(f"the interpreter {self.runtime} is not installed", str(path))
        try:
            self._interpreter: Any = module.Interpreter(model_path=str(loaded_from or path), num_threads=threads)
            self._interpreter.allocate_tensors()
            file_pages.release(loaded_from or path)
        except (ValueError, RuntimeError, SystemError, OSError) as error:
            hint = "reinstall the models; tflite-runtime also needs NumPy < 2"
            raise ModelError(f"{self.runtime} can't load this model", str(path), hint) from error
        (entry,) = self._interpreter.get_input_details()
        self._input_index: int = entry["index"]
        self.input_shape: tuple[int, ...] = tuple(int(n) for n in entry["shape"])
        self.input_dtype: np.dtype[Any] = np.dtype(entry["dtype"])
        details = self._interpreter.get_output_details()
        self._outputs = [(int(d["index"]), tuple(int(n) for n in d["shape"])) for d in details]

    @property
    def output_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the outputs of a call. Their order differs between files, so choose an output with `pick`."""
        return [shape for _, shape in self._outputs]

    def __call__(self, encoded: Array) -> list[Array]:
        """Run the network once.

        Args:
            encoded: result of `ModelCard.encode`, with shape `input_shape` or without its leading 1.

        Returns:
            Copies of the float32 outputs, in the order of the file.
        """
        self._interpreter.set_tensor(self._input_index, encoded.reshape(self.input_shape))
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index, _ in self._outputs]


def pick(outputs: Iterable[Array], last_dimension: int) -> Array:
    """Return the output whose last dimension is `last_dimension`, whatever its place in the file.

    Raises:
        ModelError: no output has this last dimension, or several have it.
    """
    found = [array for array in outputs if array.shape[-1] == last_dimension]
    if len(found) != 1:
        raise ModelError(f"the model has {len(found)} outputs of last dimension {last_dimension}, not one")
    return found[0]

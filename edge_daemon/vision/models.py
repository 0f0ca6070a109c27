"""The model files: their entries in manifest.toml, and the verification that they have not changed."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edge_daemon.errors import ModelError
from edge_daemon.vision.interpreter import Model, runtime_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Encoded = NDArray[np.float32] | NDArray[np.int8]

_CHUNK_BYTES = 1 << 20
_DETECTORS = ("detector_sweep", "detector_look", "detector_portrait", "verifier")
_OTHER_EMBEDDER = (
    'set embedder = "auto" and run `edge-daemon enrol import` again with the photographs, or let models.dir name the'
    " folder models_tflite of a checkout"
)
_REINSTALL = "reinstall the program, or build the models again (models_tflite/README.md)"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The manifest's entry for one file.

    Attributes:
        name: name of the network with its precision, for registers and doctor.
        path: the .tflite file.
        sha256: SHA-256 of the file, in hexadecimal.
        roles: the uses of the file in the program.
        licence: SPDX expression.
        source: the package that the weights come from.
        input_shape: (1, height_px, width_px, 3).
        output_shapes: the float32 outputs.
        center, divisor: the conversion of float input, (RGB - center) / divisor.
        input_dtype: `float32` or `int8`. For int8 the input is RGB - 128, whatever center and divisor are.
        quantization: float32, float16 or int8, with a note.
        measured: the measurements and their data.
    """

    name: str
    path: Path
    sha256: str
    roles: tuple[str, ...]
    licence: str
    source: str
    input_shape: tuple[int, ...]
    output_shapes: tuple[tuple[int, ...], ...]
    center: float
    divisor: float
    input_dtype: str
    quantization: str
    measured: str

    @property
    def size_px(self) -> tuple[int, int]:
        """(height, width) of the input."""
        return self.input_shape[1], self.input_shape[2]

    def encode(self, rgb: NDArray[np.uint8]) -> Encoded:
        """Convert RGB pixels to the input of this file.

        Args:
            rgb: uint8 (..., 3) in RGB order.

        Returns:
            The same shape, float32 or int8.
        """
        if self.input_dtype == "int8":
            flipped: NDArray[np.int8] = np.bitwise_xor(rgb, np.uint8(0x80)).view(np.int8)
            return flipped
        scaled: NDArray[np.float32] = (rgb.astype(np.float32) - np.float32(self.center)) * np.float32(1 / self.divisor)
        return scaled

    def open(self, threads: int = 1) -> Model:
        """Load the network, after verifying the SHA-256 of the file that is loaded. Each thread needs its own.

        Raises:
            ModelError: the file is missing or changed, or the interpreter can't run it.
        """
        with _verified(self) as file:
            return Model(self.path, threads, loaded_from=Path(f"/proc/self/fd/{file.fileno()}"))


@dataclass(frozen=True, slots=True)
class WeightsCard:
    """The manifest's entry for the weights of a network of `neural_network/`: an .npz file.

    The attributes are those of `ModelCard`.
    """

    name: str
    path: Path
    sha256: str
    roles: tuple[str, ...]
    licence: str
    source: str
    measured: str


@dataclass(frozen=True, slots=True)
class ModelSet:
    """All model files of one folder, verified."""

    cards: tuple[ModelCard, ...]
    embedder_for: Mapping[str, str]
    detectors_for: Mapping[str, str] = field(default_factory=dict)
    """Number format of the detectors' files, by interpreter. With tflite-runtime, int8 is slower than float16."""
    weights_cards: tuple[WeightsCard, ...] = ()
    chosen_embedder: str = ""
    """Role of the embedder that the settings name; empty if they leave the choice to `embedder_for`."""

    @classmethod
    def load(cls, models_dir: Path) -> ModelSet:
        """Read manifest.toml in `models_dir` and verify the SHA-256 of every file.

        A file that the manifest marks `in_wheel = false` may be missing.

        Raises:
            ModelError: the manifest or a file is missing, unreadable or changed.
        """
        manifest = models_dir / "manifest.toml"
        try:
            document = tomllib.loads(manifest.read_text(encoding="utf-8"))
            cards = tuple(_card(models_dir, entry) for entry in document["model"] if _is_here(models_dir, entry))
            weights = tuple(_weights_card(models_dir, entry) for entry in document["weights"])
            embedder_for = {str(k): str(v) for k, v in document["embedder_for"].items()}
            detectors_for = {str(k): str(v) for k, v in document["detectors_for"].items()}
        except OSError as error:
            raise ModelError("the list of models can't be read", str(manifest), _REINSTALL) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"the list of models is damaged ({error})", str(manifest), _REINSTALL) from error
        found = cls(cards, embedder_for, detectors_for, weights)
        for card in found.files:
            _verified(card).close()
        return found

    @property
    def files(self) -> tuple[ModelCard | WeightsCard, ...]:
        """Every file of the folder."""
        return (*self.cards, *self.weights_cards)

    def weights(self, role: str) -> WeightsCard:
        """Return the card of the weights that have the role `role`.

        Raises:
            ModelError: no file or more than one has the role.
        """
        found = [card for card in self.weights_cards if role in card.roles]
        if len(found) != 1:
            raise ModelError(
                f"{len(found)} files of weights have the role {role}, not one", "manifest.toml", _REINSTALL
            )
        return found[0]

    def card(self, role: str) -> ModelCard:
        """Return the card of the file that has the role `role`.

        A detector or verifier role without a precision (`verifier`, not `verifier_int8`) selects the file for the
        interpreter in use.

        Raises:
            ModelError: no file or more than one has the role.
        """
        if role in _DETECTORS:
            role = f"{role}_{self.detectors_for.get(runtime_name(), 'float16')}"
        found = [card for card in self.cards if role in card.roles]
        if len(found) != 1:
            raise ModelError(f"{len(found)} models have the role {role}, not one", "manifest.toml", _REINSTALL)
        return found[0]

    def with_embedder(self, precision: str) -> ModelSet:
        """Return the set with the embedder of a given precision: `int8`, `float16`, `float32`, or `auto`."""
        return replace(self, chosen_embedder="" if precision == "auto" else f"embedder_{precision}")

    def with_detectors(self, precision: str) -> ModelSet:
        """Return the set with the detectors of a given precision, `int8` or `float16`, for every interpreter."""
        return replace(self, detectors_for=dict.fromkeys(self.detectors_for, precision))

    def embedder(self, runtime: str | None = None) -> ModelCard:
        """Return the embedder that the settings name, or else the one for an interpreter.

        Args:
            runtime: `litert` or `tflite-runtime`; if None, the interpreter in use.

        Raises:
            ModelError: the settings name an embedder that this installation does not have.
        """
        if self.chosen_embedder:
            if not any(self.chosen_embedder in card.roles for card in self.cards):
                precision = self.chosen_embedder.removeprefix("embedder_")
                raise ModelError(f"{precision} is not part of this installation", "models.embedder", _OTHER_EMBEDDER)
            return self.card(self.chosen_embedder)
        runtime = runtime or runtime_name()
        return self.card(self.embedder_for.get(runtime, "embedder_float16"))

    def open(self, role: str, threads: int = 1) -> Model:
        """Load the network that has the role `role`. Each thread needs its own."""
        return self.card(role).open(threads)


def default_models_dir() -> Path:
    """Return the folder inside the installed package, or the one in the checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "models_tflite"
    return inside if inside.is_dir() else package.parent / "models_tflite"


def _is_here(models_dir: Path, entry: Mapping[str, Any]) -> bool:
    """Return whether the folder must have an entry's file, or has it although it need not."""
    return bool(entry.get("in_wheel", True)) or (models_dir / str(entry["file"])).exists()


def _card(models_dir: Path, entry: Mapping[str, Any]) -> ModelCard:
    return ModelCard(
        **_of_any_file(models_dir, entry),
        input_shape=tuple(int(n) for n in entry["input_shape"]),
        output_shapes=tuple(tuple(int(n) for n in shape) for shape in entry["output_shapes"]),
        center=float(entry["center"]),
        divisor=float(entry["divisor"]),
        input_dtype=str(entry["input_dtype"]),
        quantization=str(entry["quantization"]),
    )


def _weights_card(models_dir: Path, entry: Mapping[str, Any]) -> WeightsCard:
    return WeightsCard(**_of_any_file(models_dir, entry))


def _of_any_file(models_dir: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that every entry of the manifest has, whether for a .tflite or an .npz file."""
    file = str(entry["file"])
    if Path(file).name != file:
        raise ValueError(f"file {file} is not in this folder")
    texts = {key: str(entry[key]) for key in ("name", "sha256", "licence", "source", "measured")}
    return {**texts, "path": models_dir / file, "roles": tuple(str(role) for role in entry["roles"])}


def _verified(card: ModelCard | WeightsCard) -> BinaryIO:
    """Return the file, opened and verified. The open file stays the same even if another file takes its name."""
    digest = hashlib.sha256()
    with ExitStack() as stack:
        try:
            file = stack.enter_context(card.path.open("rb"))
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
        except FileNotFoundError as error:
            raise ModelError(f"the model {card.name} is missing", str(card.path), _REINSTALL) from error
        except OSError as error:
            raise ModelError(f"the model {card.name} can't be read", str(card.path), _REINSTALL) from error
        if digest.hexdigest() != card.sha256:
            what = f"the model {card.name} is not the file that was installed (SHA-256 differs)"
            raise ModelError(what, str(card.path), _REINSTALL)
        stack.pop_all()
    return file

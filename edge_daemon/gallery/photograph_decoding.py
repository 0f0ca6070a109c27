"""Decodes one untrusted photograph. Files of the office are decoded only by `decoder_child.py`."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from edge_daemon.errors import ImageFileError, PhotographError
from edge_daemon.image_header import ImageHeader, is_heif, read_header
from edge_daemon.types import Picture

MAX_PIXELS: Final = 50_000_000
_MAX_WHOLE_PIXELS: Final = 35_000_000
"""Largest number of pixels of a PNG, WebP or progressive JPEG.

Such a picture is decoded as a whole, which takes up to 278 MB (measured).
"""
WORKING_SIDE_PX: Final = 1600
"""Longer side to which a portrait is reduced; the embedder uses 112 px of it."""

# The JPEG decoder halves at no cost, so a 48 megapixel portrait never exists at full size.
_REDUCED = ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))
_DAMAGED: Final = ("remature end", "Corrupt JPEG", "Invalid SOS", "Unsupported marker")
"""libjpeg's messages about a file with changed bits, which it decodes anyway."""


def decode(data: bytes) -> Picture:
    """Return a photograph upright, in BGR, with its longer side at most `WORKING_SIDE_PX`.

    Raises:
        PhotographError: the photograph is damaged, too large, or of an unsupported kind.
    """
    try:
        picture = _heif(data) if is_heif(data) else _others(data, read_header(data))
    except ImageFileError as error:
        raise PhotographError(error.what, "", error.hint) from error
    longer = max(picture.shape[:2])
    if longer > WORKING_SIDE_PX:
        height, width = (max(1, round(side * WORKING_SIDE_PX / longer)) for side in picture.shape[:2])
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        picture = small.astype(np.uint8, copy=False)
    return picture


def load_optional_decoders() -> None:
    """Load decoders that few photographs need, while files can still be opened."""
    with contextlib.suppress(ImportError):
        import pi_heif

        pi_heif.libheif_info()


def _heif(data: bytes) -> Picture:
    """Return a HEIC photograph; libheif has turned it upright."""
    try:
        import pi_heif
    except ImportError as error:
        raise PhotographError("HEIC is not supported here", hint="convert it to JPEG, or install pi-heif") from error
    try:
        image = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True, bgr_mode=True)
        width_px, height_px = image.size
        _check_pixels(ImageHeader(width_px, height_px, is_plain_jpeg=True))  # the limit that fits pictures of phones
        pixels = np.asarray(image)
    except (ValueError, RuntimeError, EOFError, OSError, SyntaxError) as error:
        raise PhotographError(
            "the HEIC file is damaged, or of a kind that is not supported", hint="convert it to JPEG"
        ) from error
    if pixels.ndim != 3 or pixels.dtype != np.uint8 or pixels.shape[2] not in (3, 4):
        raise PhotographError("this kind of HEIC is not supported", hint="convert it to JPEG")
    return np.ascontiguousarray(pixels[:, :, :3])


def _others(data: bytes, header: ImageHeader) -> Picture:
    _check_pixels(header)
    shorter, longer = sorted((header.width_px, header.height_px))
    # PNG gains nothing from reduction, and a narrow PNG makes the decoder fail.
    reduced = _REDUCED if data.startswith(b"\xff\xd8") and shorter >= _REDUCED[0][0] else ()
    mode = next((mode for factor, mode in reduced if longer >= factor * WORKING_SIDE_PX), cv2.IMREAD_COLOR)
    with _decoder_messages() as messages:
        try:
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), mode)
        except cv2.error:
            decoded = None
    if decoded is None:
        raise PhotographError("can't be decoded", hint="save it again as JPEG")
    if any(word in messages[0] for word in _DAMAGED):
        raise PhotographError("damaged JPEG", hint="copy it again")
    picture: Picture = decoded.astype(np.uint8, copy=False)
    return picture


def _check_pixels(header: ImageHeader) -> None:
    most = MAX_PIXELS if header.is_plain_jpeg else _MAX_WHOLE_PIXELS
    if header.width_px * header.height_px > most:
        size = f"{header.width_px}x{header.height_px}"
        raise PhotographError(f"{size} is larger than {most // 10**6} megapixels", hint="save it smaller")


@contextlib.contextmanager
def _decoder_messages() -> Iterator[list[str]]:
    """Collect the messages that C decoders write directly to stderr, so that only the program's own line is shown.

    The descriptor belongs to the whole process, so no other thread may write to stderr meanwhile. Enrolment has only
    one thread.
    """
    messages = [""]
    saved = os.dup(2)
    sink = os.memfd_create("decoder")
    os.dup2(sink, 2)
    try:
        yield messages
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        messages[0] = os.pread(sink, 4096, 0).decode("utf-8", "replace")
        os.close(sink)

"""Picture files of every awkward kind, made byte by byte where no writer makes them."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np


def portrait(height: int = 60, width: int = 40):
    """A picture whose upper left quarter is bright: rotations show."""
    picture = np.full((height, width, 3), 60, np.uint8)
    picture[: height // 2, : width // 2] = (200, 180, 160)
    return picture


def jpeg(picture, *, quality: int = 95) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def png(picture) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def rotated_by_exif(data: bytes, orientation: int) -> bytes:
    """Put an EXIF block in front of a JPEG's own segments."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    body = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def with_thumbnail(data: bytes) -> bytes:
    """Put a whole small JPEG into an APP1 segment, as cameras do: it has an end marker of its own."""
    body = b"Exif\0\0" + jpeg(portrait(16, 16))
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def claiming_jpeg(width: int, height: int) -> bytes:
    """A JPEG whose header says that it is of this size."""
    data = bytearray(jpeg(portrait()))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def claiming_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header says that it is of this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"")
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def cmyk_jpeg(inks: tuple[int, int, int, int]) -> bytes:
    """A baseline JPEG of 16 x 16 px in one colour, four components as Adobe writes them (255 = no ink).

    Quantization is 1, so the DC value of a flat block is 8 * (ink - 128); every other coefficient is 0.
    """
    bits = ""
    for block in range(16):
        ink = inks[block % 4]
        bits += _dc(8 * (ink - 128) if block < 4 else 0) + "0"  # end of block: the only AC code
    bits += "1" * (-len(bits) % 8)
    scan = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    dc = bytes((0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)) + bytes(range(12))
    ac = bytes((1,) + (0,) * 15) + b"\0"
    components = b"".join(bytes((n, 0x11, 0)) for n in range(1, 5))
    selectors = b"".join(bytes((n, 0)) for n in range(1, 5))
    segments = [
        (0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0)),
        (0xDB, b"\0" + b"\1" * 64),
        (0xC0, struct.pack(">BHHB", 8, 16, 16, 4) + components),
        (0xC4, b"\0" + dc),
        (0xC4, b"\x10" + ac),
        (0xDA, b"\4" + selectors + b"\0\x3f\0"),
    ]
    head = b"".join(b"\xff" + bytes((m,)) + struct.pack(">H", len(body) + 2) + body for m, body in segments)
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


def _dc(value: int) -> str:
    """Annex K, table K.3: the code of the category, then the value's own bits."""
    codes = ("00", "010", "011", "100", "101", "110", "1110", "11110", "111110", "1111110", "11111110", "111111110")
    size = abs(value).bit_length()
    own = value if value >= 0 else value + (1 << size) - 1
    return codes[size] + (f"{own:0{size}b}" if size else "")

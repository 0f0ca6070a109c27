"""Reads the header of a picture file without decoding it: its kind, its size in pixels, whether it is complete.

JPEG: ITU-T T.81 annex B (markers). PNG: W3C PNG specification, section 5 (chunks). WebP: RFC 9649. HEIC: ISO/IEC
14496-12 (ftyp box).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

from edge_daemon.errors import ImageFileError

_PNG = b"\x89PNG\r\n\x1a\n"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# Frame headers (SOF0 to SOF15), without DHT, JPG and DAC, whose markers are in the same range.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_START_OF_SCAN = 0xDA
_MAX_SCANS = 64
"""Largest number of scans in a JPEG that is accepted. An ordinary progressive JPEG has about ten.

Decoding a scan takes as long as decoding a picture without scans. A Raspberry Pi needs minutes for 200 scans.
"""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Size of a picture as stored, before its EXIF rotation is applied."""

    width_px: int
    height_px: int
    is_plain_jpeg: bool = False
    """True: a JPEG with one scan, which is decoded row by row. Any other picture is in memory as a whole."""


def is_heif(data: bytes) -> bool:
    """Return whether a file is a HEIC picture, the format of many phones."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


def read_header(data: bytes) -> ImageHeader:
    """Return the size of a complete JPEG, PNG or WebP file.

    Raises:
        ImageFileError: the file is of another kind, or truncated.
    """
    if not data:
        raise ImageFileError("the file is empty")
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(_PNG):
        return _png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if is_heif(data) or data[4:12] == b"ftypavif":
        raise ImageFileError(f"{'AVIF' if data[8:12] == b'avif' else 'HEIC'} is not read", hint="convert it to JPEG")
    raise ImageFileError("not a JPEG, PNG or WebP picture")


def _jpeg(data: bytes) -> ImageHeader:
    header: ImageHeader | None = None
    is_progressive = False
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ImageFileError("damaged JPEG")
        marker = data[at + 1]
        if marker == 0xFF or marker in _STANDALONE:  # fill byte, or a marker without a length
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _START_OF_SCAN:
            break
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _START_OF_FRAME and at + 9 <= len(data):
            size = data[at + 5 : at + 9]
            header = ImageHeader(int.from_bytes(size[2:], "big"), int.from_bytes(size[:2], "big"))
            is_progressive = marker & 3 == 2
        at += 2 + length
    # The decoder fills missing parts with grey and reports nothing; only the end marker shows a complete file. The
    # search begins at the start of the scan because the thumbnail in the EXIF block has an end marker of its own.
    if header is None or data.find(b"\xff\xd9", at) < 0:
        raise ImageFileError("truncated file", hint="copy it again")
    scans = data.count(bytes((0xFF, _START_OF_SCAN)), at)
    if scans > _MAX_SCANS:
        raise ImageFileError(f"JPEG of more than {_MAX_SCANS} scans", hint="save it again as plain JPEG")
    return replace(header, is_plain_jpeg=scans == 1 and not is_progressive)


def _webp(data: bytes) -> ImageHeader:
    """Read the size from the first chunk: VP8 (lossy), VP8L (lossless) or VP8X (with EXIF or an alpha channel)."""
    if len(data) < 30 or len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise ImageFileError("truncated file", hint="copy it again")
    kind, body = data[12:16], data[20:]
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return ImageHeader(_little(body[6:8]) & 0x3FFF, _little(body[8:10]) & 0x3FFF)
    if kind == b"VP8L" and body[0] == 0x2F:
        sides = _little(body[1:5])
        return ImageHeader((sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        return ImageHeader(_little(body[4:7]) + 1, _little(body[7:10]) + 1)
    raise ImageFileError("damaged WebP", hint="copy it again")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _png(data: bytes) -> ImageHeader:
    header: ImageHeader | None = None
    at = len(_PNG)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        body = data[at + 4 : at + 8 + length]
        check = data[at + 8 + length : at + 12 + length]
        if len(check) < 4:
            break
        if zlib.crc32(body) != int.from_bytes(check, "big"):
            raise ImageFileError("damaged PNG", hint="copy it again")
        if kind == b"IHDR" and header is not None:  # the decoder might use another size than the one checked here
            raise ImageFileError("damaged PNG", hint="copy it again")
        if kind == b"IHDR" and length >= 8:
            header = ImageHeader(int.from_bytes(body[4:8], "big"), int.from_bytes(body[8:12], "big"))
        if kind == b"IEND" and header is not None:
            return header
        at += 12 + length
    raise ImageFileError("truncated file", hint="copy it again")

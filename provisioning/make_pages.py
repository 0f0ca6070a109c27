"""Makes the page that hangs beside each box, and the office's list of keys, when the devices have told who they are.

    python provisioning/make_pages.py IDENTITIES... --output pages.html --keys devices.csv

A device's key is made on the device at its first start, so that there is no page before it. IDENTITIES are files or
folders: the `edge-daemon-identity.txt` that each device leaves on its boot partition (the surest source: nobody was in
between), or a copy of the server's folder `v1/devices`, with a key.json for each device. Where one device has two keys,
that is an error: find out why before you trust either.

Needs segno (pip install segno). Print the page from a browser; each room is one sheet.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import html
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

IDENTITY = "edge-daemon-identity"
_MAX_BYTES = 64 * 1024
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,79}")
_KEY = re.compile(r"[0-9a-f]{64}")


class PagesError(Exception):
    """Something that the user has to mend, in one line."""


@dataclass(frozen=True, slots=True)
class Page:
    """A device as it told of itself."""

    device: str
    room: str
    public_key: str
    source: Path

    @property
    def fingerprint(self) -> str:
        """As `edge_daemon.device.signing.fingerprint`."""
        digest = hashlib.sha256(self.public_key.encode("ascii")).hexdigest()[:20]
        return " ".join(digest[place : place + 4] for place in range(0, 20, 4))

    @property
    def code(self) -> str:
        """What the QR code says; every telephone shows it as text."""
        return f"edge-daemon\ndevice: {self.device}\nfingerprint: {self.fingerprint}\npublic_key: {self.public_key}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pages; 0 done, 2 with a line on stderr and nothing written."""
    options = _options(arguments)
    try:
        pages = read_pages(options.identities)
        sheets = document(pages, options.contact)
        keys = key_list(pages)
        _write(options.output, sheets)
        if options.keys:
            _write(options.keys, keys)
    except PagesError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 2
    sys.stdout.write(f"{len(pages)} pages in {options.output}: print them from a browser\n")
    if options.keys:
        sys.stdout.write(f"keys in {options.keys}: edge-daemon collect ... --keys {options.keys}\n")
    return 0


def read_pages(sources: Sequence[Path]) -> list[Page]:
    """Return the devices of all sources, one page each, in the order of their rooms.

    Raises:
        PagesError: a file is not what it should be, two keys for one device, or no device at all.
    """
    found: dict[str, Page] = {}
    for page in (_page(path) for source in sources for path in _files(source)):
        other = found.setdefault(page.device, page)
        if other.public_key != page.public_key:
            raise PagesError(f"{page.device} has two keys, in {other.source} and in {page.source}: find out why")
        if page.room and not other.room:
            found[page.device] = page
    if not found:
        raise PagesError(f"no {IDENTITY}.txt and no key.json in {', '.join(str(source) for source in sources)}")
    return sorted(found.values(), key=lambda page: (page.room or page.device, page.device))


def document(pages: Sequence[Page], contact: str) -> str:
    """Return one HTML file with a sheet for each page.

    Raises:
        PagesError: segno is missing.
    """
    try:
        import segno
    except ImportError:
        raise PagesError("the QR codes need segno: pip install segno") from None
    sheets = []
    for page in pages:
        drawn = io.BytesIO()
        segno.make(page.code, error="m").save(drawn, kind="svg", scale=4, xmldecl=False, svgns=True, nl=False)
        sheets.append(_sheet(page, drawn.getvalue().decode("utf-8"), contact))
    return _HEAD + "".join(sheets) + "</body></html>\n"


def key_list(pages: Sequence[Page]) -> str:
    """Return the list that `edge-daemon collect --keys` takes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("device", "public_key", "room", "fingerprint"))
    writer.writerows((page.device, page.public_key, page.room, page.fingerprint) for page in pages)
    return text.getvalue()


def _files(source: Path) -> Iterator[Path]:
    if not source.exists():
        raise PagesError(f"{source}: is not there")
    if source.is_file():
        yield source
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and (path.name == "key.json" or (path.stem.startswith(IDENTITY) and path.suffix == ".txt")):
            yield path


def _page(path: Path) -> Page:
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES)
    try:
        text = content.decode("utf-8-sig")
        told = json.loads(text) if path.suffix == ".json" else dict(_lines(text))
        device, room, key = str(told["device"]), str(told.get("room", "")), str(told["public_key"]).lower()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PagesError(f"{path}: is no identity of a device; copy it from the card once more") from error
    if not _DEVICE.fullmatch(device) or not _KEY.fullmatch(key) or not room.isprintable():
        raise PagesError(f"{path}: is no identity of a device; copy it from the card once more")
    page = Page(device, room, key, path)
    if "fingerprint" in told and str(told["fingerprint"]) != page.fingerprint:
        raise PagesError(f"{path}: the fingerprint is not that of the key; copy it from the card again")
    return page


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, found, value = line.partition(": ")
        if found:
            yield key.strip(), value.strip()


def _sheet(page: Page, code: str, contact: str) -> str:
    room, device, fingerprint = html.escape(page.room or page.device), html.escape(page.device), page.fingerprint
    asks = f"<p>Questions, corrections, consent: <b>{html.escape(contact)}</b></p>" if contact else ""
    return f"""
<section>
  <h1>{room}</h1>
  <p class="what">This box takes the attendance register of this room.</p>
  <ul>
    <li>In a lesson it takes about 100 pictures at random moments. <b>No picture is kept</b>, and none leaves the
    box.</li>
    <li>Only students who gave their consent are recognised. Everybody else is counted, and
    forgotten when the lesson is over.</li>
    <li>It can be wrong. The teacher corrects the register; nobody should be punished by it alone.</li>
  </ul>
  {asks}
  <div class="who">
    {code}
    <dl>
      <dt>Device</dt><dd>{device}</dd>
      <dt>Fingerprint of its key</dt><dd class="print">{fingerprint}</dd>
    </dl>
  </div>
  <p class="small">Registers of this room are signed with this device's key. The office compares this fingerprint with
  the one in its list; if they differ, somebody put another box or another card here.</p>
</section>
"""


def _write(path: Path, text: str) -> None:
    descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(part).replace(path)
    except OSError:
        Path(part).unlink(missing_ok=True)
        raise


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the page beside each box, and the office's list of keys.")
    parser.add_argument("identities", type=Path, nargs="+", metavar="IDENTITIES", help="files or folders")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.html", help="the pages")
    parser.add_argument("--keys", type=Path, metavar="FILE.csv", help="the office's list of keys")
    parser.add_argument("--contact", default="", metavar="TEXT", help="whom to ask, as it stands on each page")
    return parser.parse_args(arguments)


_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Attendance boxes</title>
<style>
  @page { size: A4; margin: 18mm }
  body { font-family: "DejaVu Sans", Arial, sans-serif; color: #111; line-height: 1.45 }
  body { margin: 0 auto; max-width: 174mm }
  section { page-break-after: always; break-after: page; padding-top: 8mm }
  section:last-of-type { page-break-after: auto; break-after: auto }
  h1 { font-size: 60pt; margin: 0 0 4mm; line-height: 1.1; overflow-wrap: anywhere }
  .what { font-size: 17pt; margin: 0 0 8mm }
  ul, p { font-size: 13pt } li { margin-bottom: 3mm }
  .who { display: flex; align-items: center; gap: 10mm; border: 0.5mm solid #111; padding: 6mm; margin: 10mm 0 }
  .who svg { width: 58mm; height: 58mm; flex: none }
  dt { font-size: 10pt; color: #555 } dd { margin: 0 0 4mm; font-size: 18pt; overflow-wrap: anywhere }
  .print { font-family: "DejaVu Sans Mono", monospace; font-size: 14pt }
  .small { font-size: 10pt; color: #333 }
</style></head><body>
"""


if __name__ == "__main__":
    sys.exit(main())

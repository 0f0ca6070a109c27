"""Makes the page that hangs beside each box, and the office's list of keys, when the devices have told who they are.

    python provisioning/make_pages.py IDENTITIES... --output pages.html --keys devices.csv

A device's key is made on the device at its first start, so that there is no page before it. IDENTITIES are files or
folders: the `edge-daemon-identity.txt` that each device leaves on its boot partition (the surest source: nobody was in
between), or a copy of the server's folder `v1/devices`, with a key.json for each device. Where one device has two keys,
that is an error: find out why before you trust either. A list of keys that is there already is kept, and gets the lines
that it lacks; another key of a device that stands in it has to be allowed by name (--replaced).

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
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
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
        texts = {options.output: document(pages, options.contact)}
        if options.keys:
            texts[options.keys] = key_file(options.keys, pages, options.replaced)
        _write(texts)
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


def key_file(path: Path, pages: Sequence[Page], replaced: Sequence[str]) -> str:
    """Return the list of keys as it is to be: every line that is there, and those that it lacks.

    Args:
        path: the list; there may be none yet.
        pages: the devices.
        replaced: devices that may have another key than the list says. The old one stays: it signed old registers.

    Raises:
        PagesError: the list can't be read as one, or a device has another key.
    """
    unknown = sorted(set(replaced) - {page.device for page in pages})
    if unknown:
        raise PagesError(f"--replaced {unknown[0]}: its identity is not among those given")
    if not path.exists():
        return key_list(pages)
    text, head, keys = _known_keys(path)
    end = "\r\n" if "\r\n" in text else "\n"
    added = io.StringIO(newline="")
    writer = csv.DictWriter(added, head, extrasaction="ignore", lineterminator=end)
    for page in pages:
        known = keys.get(page.device, set())
        if page.public_key in known:
            continue
        if known and page.device not in replaced:
            what = f"{path} has another key of {page.device} than {page.source}: find out why"
            raise PagesError(f"{what}; where its card was replaced, add --replaced {page.device}")
        told = {"device": page.device, "public_key": page.public_key, "room": page.room}
        writer.writerow({**told, "fingerprint": page.fingerprint})
    return f"{text if text.endswith(end) else text + end}{added.getvalue()}" if added.getvalue() else text


def _known_keys(path: Path) -> tuple[str, list[str], dict[str, set[str]]]:
    """Return a list of keys: its text, its columns, and the keys of each device."""
    try:
        text = path.read_bytes().decode("utf-8")
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    except OSError as error:
        raise PagesError(f"{path}: can't be read: {error.strerror}; nothing was written") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PagesError(f"{path}: is not a CSV file in UTF-8; nothing was written") from error
    head = [name.strip().lower() for name in rows[0]] if rows else []
    if not {"device", "public_key"} <= set(head):
        raise PagesError(f"{path}: has no columns device and public_key between commas; nothing was written")
    keys: dict[str, set[str]] = {}
    for number, cells in enumerate(rows[1:], 2):
        told = dict(zip(head, cells, strict=False))
        key = "".join(told.get("public_key", "").split()).lower()
        if cells and not _KEY.fullmatch(key):
            raise PagesError(f"{path}: line {number} has no public key of 64 hexadecimal digits; nothing was written")
        keys.setdefault(told.get("device", "").strip(), set()).add(key)
    return text, head, keys


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


def _write(texts: Mapping[Path, str]) -> None:
    """Write all files or none."""
    parts: dict[Path, Path] = {}
    path = Path()
    try:
        for path, text in texts.items():
            if path.is_dir():
                raise PagesError(f"{path}: is a folder; nothing was written")
            descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            parts[path] = Path(part)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, part)
        for path, part_path in parts.items():
            part_path.replace(path)
    except OSError as error:
        raise PagesError(f"{path}: can't be written: {error.strerror}; nothing was written") from error
    finally:
        for part_path in parts.values():
            part_path.unlink(missing_ok=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the page beside each box, and the office's list of keys.")
    parser.add_argument("identities", type=Path, nargs="+", metavar="IDENTITIES", help="files or folders")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.html", help="the pages")
    parser.add_argument(
        "--keys", type=Path, metavar="FILE.csv", help="the office's list of keys, new or to be added to"
    )
    parser.add_argument(
        "--replaced", action="append", default=[], metavar="DEVICE", help="has a new card, and so another key"
    )
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

"""Makes the page beside each device, and the office's list of keys, from the identities of the devices.

    python provisioning/make_pages.py IDENTITIES... --output pages.html --keys devices.csv

A device makes its key at its first start, so there is no page before it. IDENTITIES are files or folders: the
`edge-daemon-identity.txt` that each device writes to its boot partition, or a copy of the server's folder `v1/devices`
with a key.json for each device. The file on the card is the safer source, because nobody can replace it on the way. A
device with two keys is an error: find out why before you trust either. An existing list of keys is kept, and gets the
missing lines. Another key of a listed device must be allowed by name (--replaced).

It needs segno (pip install segno). Print the page from a browser; each room is one sheet.
"""

from __future__ import annotations

import argparse
import html
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from provisioning.identities import Page, PagesError, read_pages
from provisioning.key_list import key_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pages: 0 done, 2 with a line on stderr and nothing written."""
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
        "--keys", type=Path, metavar="FILE.csv", help="the office's list of keys, which is created or extended"
    )
    parser.add_argument(
        "--replaced", action="append", default=[], metavar="DEVICE", help="a device with a new card, and so another key"
    )
    parser.add_argument("--contact", default="", metavar="TEXT", help="the contact that is printed on each page")
    options = parser.parse_args(arguments)
    if options.replaced and not options.keys:
        parser.error("--replaced goes with --keys: the list in which the device has another key")
    return options


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

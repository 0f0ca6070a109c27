"""Makes pictures of every kind of message in every language, at phone and desktop width, and of the sheets.

    python -m tests.slow.mail_look DIR

It needs chromium and LibreOffice (`apt-get install chromium libreoffice-calc`); both run without a network. openpyxl
opens each sheet, too. A person looks at DIR/*.png. The command itself fails if a picture can't be made, a sheet can't
be opened, or a message is wider than a phone.
"""

from __future__ import annotations

import argparse
import html
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import openpyxl

from edge_daemon.home import Home
from tests import mail_school
from tests.cli.running import run

EVERYTHING = "teachers = true\nguardian_sheets = true\n"
WIDTHS = {"phone": 360, "desk": 820}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    for language in ("en", "de"):
        with tempfile.TemporaryDirectory() as name:
            home = mail_school.make(Path(name) / "home", f'{mail_school.SETTINGS}{EVERYTHING}language = "{language}"\n')
            _preview(home, folder / language)
        for page in sorted((folder / language).rglob("*.html")):
            for label, width in WIDTHS.items():
                _draw(page, page.with_name(f"{page.stem}.{label}.png"), width)
            _check_width(page)
        for sheet in sorted((folder / language).rglob("*.xlsx")):
            _open(sheet)
    print(f"look at {folder}/*/*.png")


def _preview(home: Home, folder: Path) -> None:
    lessons = mail_school.hold_week(home)
    corrected = lessons[-1]
    mail_school.decide(home, corrected, "S02", "present", mail_school.FRIDAY + timedelta(hours=1))
    wanted = (
        ("office", lessons[-2], ()),
        ("office", corrected, ()),
        ("teacher", lessons[-3], ()),  # the roster has the teacher of 7b
        ("student", corrected, ("--student", "S01")),
        ("guardian", corrected, ("--student", "S03")),
        ("student-correction", corrected, ("--student", "S02")),
        ("guardian-correction", corrected, ("--student", "S02")),
        ("week", "2026-W47", ()),
        ("month", "2026-11", ()),
        ("student-week", "2026-W47", ("--student", "S04")),
        ("guardian-week", "2026-W47", ("--student", "S03")),
        ("guardian-month", "2026-11", ("--student", "S03")),
    )
    for kind, about, more in wanted:
        place = folder / "corrected" if (kind, about) == ("office", corrected) else folder
        result = run(home.state_dir, "mail", "preview", about, "--kind", kind, *more, "--output", str(place))
        if result.exit_code:
            sys.exit(result.stderr)


def _draw(page: Path, picture: Path, width: int) -> None:
    height = 1500 if page.stem.startswith(("student-week", "guardian-week", "guardian-month")) else 1000
    # A narrow window is made by a frame: chromium's own has a least width.
    frame = page.with_name(f".{page.stem}.frame.html")
    style = f'style="border:0;width:{width}px;height:{height}px"'
    frame.write_text(f'<body style="margin:0"><iframe src="{page.name}" {style}></iframe>', encoding="utf-8")
    _chromium(f"--screenshot={picture}", f"--window-size={max(width, 500)},{height}", frame.resolve().as_uri())
    frame.unlink()
    if not picture.exists():
        sys.exit(f"{picture} was not made")


def _check_width(page: Path) -> None:
    """Fail if something in a message is wider than a phone."""
    probe = page.with_name(f".{page.stem}.probe.html")
    inner = html.escape(page.read_text(encoding="utf-8"))
    script = "onload=()=>{document.title=document.getElementById('f').contentDocument.documentElement.scrollWidth}"
    probe.write_text(
        f'<title>0</title><iframe id="f" style="border:0;width:{WIDTHS["phone"]}px" srcdoc="{inner}"></iframe>'
        f"<script>{script}</script>",
        encoding="utf-8",
    )
    dom = _chromium("--dump-dom", "--timeout=5000", probe.resolve().as_uri())
    probe.unlink()
    width = int(dom.partition("<title>")[2].partition("</title>")[0])
    if not 0 < width <= WIDTHS["phone"]:
        sys.exit(f"{page} is {width} px wide on a phone of {WIDTHS['phone']} px")


def _chromium(*arguments: str) -> str:
    command = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *arguments)
    completed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return completed.stdout


def _open(sheet: Path) -> None:
    book = openpyxl.load_workbook(sheet)
    cells = [cell.value for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    if not any(isinstance(value, str) and "Ada Adler" in value for value in cells):
        sys.exit(f"{sheet} has no names")
    command = ("soffice", "--headless", "--convert-to", "pdf", "--outdir", str(sheet.parent), str(sheet))
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    pdf = sheet.with_suffix(".pdf")
    picture = sheet.with_suffix(".sheet")
    subprocess.run(("pdftoppm", "-png", "-r", "80", "-singlefile", str(pdf), str(picture)), check=True, timeout=120)
    pdf.unlink()


if __name__ == "__main__":
    main()

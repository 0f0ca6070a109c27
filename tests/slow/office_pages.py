"""Opens each page of the office in a real Chromium: as each role, at 360 px, printed, by keyboard, and with axe.

python -m tests.slow.office_pages --out DIR [--chromium /usr/bin/chromium] [--roles ROLE,…] [--pages WORDS]

Needs Debian's chromium, and playwright and axe-playwright-python from PyPI. It makes a demo office and visits every
page as every role, in English, in German and from right to left. Each page is checked at 360 px and 1280 px with axe
(WCAG 2.2 A and AA). Exit code 1 means that axe found a violation, a page is wider than the window, or the keyboard does
not reach something.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
LISTEN = "127.0.0.1:18473"
SIZES = {"wide": (1280, 900), "phone": (360, 740)}
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
ARABIC = {
    "Today": "اليوم",
    "Rooms": "الغرف",
    "Students": "الطلاب",
    "Audit": "السجل",
    "Present": "حاضر",
    "Absent": "غائب",
}


@contextlib.contextmanager
def an_office(folder: Path) -> Iterator[dict[str, str]]:
    """Serve a demo; yield the password of each role."""
    command = [sys.executable, "-m", "edge_daemon_office", "--home", str(folder)]
    completed = subprocess.run(
        [*command, "demo", "--no-serve", "--listen", LISTEN], capture_output=True, text=True, check=True, cwd=ROOT
    )
    passwords = dict(re.findall(r"account (\w+) +password (\S+)", completed.stdout))
    with_edfi_and_audit(folder)
    (folder / "wording").mkdir()
    (folder / "wording" / "ar.json").write_text(json.dumps(ARABIC), "utf-8")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(
        [*command, "serve", "--ingest-every", "0"], stdout=subprocess.PIPE, cwd=ROOT, env=environment
    )
    try:
        assert server.stdout is not None
        server.stdout.readline()
        yield passwords
    finally:
        server.terminate()
        server.wait(20)


def with_edfi_and_audit(folder: Path) -> None:
    """Set Ed-Fi up, with two lines of a file, and give a room the audit of its seats."""
    (folder / "edfi-secret").write_text("secret\n", "ascii")
    table = 'url = "https://edfi.example.org"\nclient_id = "x"\nsecret_file = "edfi-secret"\nschool_id = 1\n'
    with (folder / "office.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[schools.demo.edfi]\n{table}")
    head = "course,local_course_code,section_identifier,session_name,school_year,class_period,weekday,start\n"
    line = "7a,MATH-7,7A-MATH,2026-27 Fall Semester,2027,Period 1"
    (folder / "demo-edfi.csv").write_text(f"{head}{line},mon,08:00\n{line},,\n", "utf-8")
    rows = [
        {"row": row, "seats": [{"box": [90 * n, 0, 9, 9], "hit_rate": 0.97 - 0.17 * row - 0.02 * n} for n in range(7)]}
        for row in range(1, 5)
    ]
    device = min((folder / "tree" / "v1" / "devices").iterdir())
    (device / "audit.json").write_text(json.dumps({"rows": rows}), "utf-8")


def sign_in_by_keyboard(page: Page, role: str, password: str) -> None:
    """Sign in without a mouse."""
    page.goto(f"http://{LISTEN}/sign-in/")
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "username":
            break
    page.keyboard.type(role)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/sign-in/" not in address)


def pages_of(page: Page) -> dict[str, str]:
    """Return the pages that a role can reach by links, one of each kind: name and address."""
    found = {"start": page.url}
    queue = [page.url]
    while queue:
        page.goto(queue.pop(0))
        links = page.eval_on_selector_all("main a[href], nav a[href], footer a[href]", "all => all.map(a => a.href)")
        for link in links:
            path = link.split(LISTEN, 1)[-1].split("#")[0]
            kind = re.sub(r"/(lessons|students|student-file)/[^/]+/", r"/\1/x/", path.split("?")[0])
            if "student-file" not in kind and kind not in found and path.startswith("/"):
                found[kind] = link
                queue.append(link)
    return found


def examine(page: Page, name: str, out: Path) -> list[str]:
    """Return the problems of a page as it is shown; store a picture of it."""
    page.screenshot(path=out / f"{name}.png", full_page=True)
    wrong = []
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        wrong.append(f"{name}: is wider than the window")
    for one in Axe().run(page, options=AXE).response["violations"]:
        targets = "; ".join(str(node["target"]) for node in one["nodes"][:3])
        wrong.append(f"{name}: axe {one['id']} ({one['impact']}): {targets}")
    return wrong


def by_keyboard(page: Page, name: str) -> list[str]:
    """Return links and fields that the Tab key does not reach, and those without a visible focus."""
    expected = page.evaluate(
        "[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select')]"
        ".filter(one => one.getClientRects().length).length"
    )
    page.evaluate("document.activeElement.blur()")
    reached: set[str] = set()
    without: set[str] = set()
    for _ in range(min(expected, 150) + 20):
        page.keyboard.press("Tab")
        one: dict[str, Any] = page.evaluate(
            "(() => { const all = [...document.querySelectorAll('*')], e = document.activeElement;"
            " const s = getComputedStyle(e); return {at: all.indexOf(e), tag: e.tagName, outline: s.outlineStyle}; })()"
        )
        if one["tag"] in ("A", "BUTTON", "INPUT", "SELECT"):
            reached.add(one["at"])
            if one["outline"] == "none":
                without.add(f"{one['tag']} {one['at']}")
    wrong = [f"{name}: focus is not shown on {', '.join(sorted(without))}"] if without else []
    if len(reached) < min(expected, 150):
        wrong.append(f"{name}: Tab reaches {len(reached)} of {expected}")
    return wrong


def visit(browser: Browser, role: str, password: str, out: Path, words: str) -> tuple[int, list[str]]:
    """Visit every page of a role, or those with words in their address, in each size and language."""
    count, wrong = 0, []
    for size, (width, height) in SIZES.items():
        for language in ("en", "de", "ar"):
            context = browser.new_context(viewport={"width": width, "height": height}, locale=language)
            page = context.new_page()
            sign_in_by_keyboard(page, role, password)
            for kind, address in pages_of(page).items():
                if not re.search(words, kind):
                    continue
                page.goto(address)
                name = f"{role}-{kind.strip('/').replace('/', '-') or 'start'}-{size}-{language}"
                wrong += examine(page, name, out)
                count += 1
                if language == "en" and size == "wide":
                    wrong += by_keyboard(page, name)
                    page.emulate_media(media="print")
                    page.pdf(path=out / f"{name}.pdf", format="A4")
                    page.emulate_media(media="screen")
            context.close()
    return count, wrong


def main() -> int:
    """Visit all pages and print the problems."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--roles", default="teacher,office,head,technician,dpo")
    parser.add_argument("--pages", default="", metavar="WORDS", help="only addresses that this expression finds")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    begun, total, wrong = time.monotonic(), 0, []
    with (
        tempfile.TemporaryDirectory() as folder,
        an_office(Path(folder) / "office") as passwords,
        sync_playwright() as it,
    ):
        browser = it.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://{LISTEN}/sign-in/")
        wrong += examine(page, "sign-in", options.out)
        for role in options.roles.split(","):
            count, found = visit(browser, role, passwords[role], options.out, options.pages)
            total += count
            wrong += found
        browser.close()
    for line in dict.fromkeys(wrong):
        print(line)
    print(f"{total} pages, {len(wrong)} faults, {time.monotonic() - begun:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

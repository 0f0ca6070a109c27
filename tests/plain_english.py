"""A reader of the project's prose: documents, docstrings, comments and help texts.

`python -m tests.plain_english [FILE ...]` prints the findings and the mean length of a sentence of each file.
Without files it reads every file of the repository that is not in `tests/plain_english_pending.txt`.
`python -m tests.plain_english --pending` writes that list again: the files that still have findings.

The packages textstat and proselint were tried. The first ends a sentence at each decimal point and needs 14 MB of NLTK.
The second needs a compiled library, and on our pages it finds straight quotes rather than hard sentences.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PENDING: Final = ROOT / "tests" / "plain_english_pending.txt"
DOCUMENTS: Final = ("*.md", "docs/*.md", "models_tflite/*.md", "demo/pictures/*.md", "benchmarks/*.md")
MODULES: Final = ("edge_daemon", "edge_daemon_office", "tests", "benchmarks", "provisioning", "demo")
COPIED: Final = ("edge_daemon_office/shared/", "/migrations/")

MEAN_WORDS: Final = 17.0
"""Limit for the mean sentence of a document, and of the docstrings of a module."""
MOST_WORDS: Final = 40
"""Limit for one sentence of a document."""
MOST_WORDS_IN_CODE: Final = 30
"""Limit for one sentence of a docstring, comment or help text."""
FEWEST_SENTENCES: Final = 5
"""A file with fewer sentences has no mean worth a limit."""

_BANNED: Final = {
    re.compile(r"\b(tell|tells|telling|told)\b", re.I): "say distinguish, recognise, report or inform",
    re.compile(r"\bwhoever\b", re.I): "name the person or the part",
    re.compile(r"(^|[;:] )who\b(?!.*\?)|\b(by|for|from|of|only|to|with) who\b", re.I): "'who' needs a noun before it",
    re.compile(r"[,;:] for (he|it|nobody|nothing|she|there|they|we)\b", re.I): "say because",
    re.compile(r"^By what\b", re.I): "begin with the subject",
}
_BANNED_IN_CODE: Final = {re.compile(r"^(of|where|whom|whose)\b", re.I): "begin with the subject"}
_END: Final = re.compile(r"(?<=[.!?])[\"')\]*_]*\s+(?=[\"'(\[*_]*[A-Z0-9])")
_ABBREVIATION: Final = re.compile(r"\b(e\.g|i\.e|etc|cf|vs|No|Art|approx|p|St|Dr)\.\s")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of prose that ends no later than its last word: a paragraph, an item, a docstring's description."""

    line: int
    text: str
    is_code: bool
    counts: bool = True
    """False: a cell of a table or an argument; its sentences are checked but do not enter the mean."""


def blocks_of(path: Path) -> list[Block]:
    """Return the prose of a Markdown document or a Python module."""
    text = path.read_text("utf-8")
    return list(_document(text) if path.suffix == ".md" else _module(text))


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a block, with code as one word and without marks of Markdown."""
    text = re.sub(r"``.+?``|`[^`]+`", "CODE", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<https?://\S+>|https?://\S+", "URL", text)
    text = _ABBREVIATION.sub(lambda found: found[0].replace(".", ""), " ".join(text.split()))
    return [one.strip("*_ ") for one in _END.split(text) if re.search(r"[A-Za-z]", one)]


def word_count(sentence: str) -> int:
    """Return how many words a sentence has; signs alone are none."""
    return sum(1 for word in sentence.split() if re.search(r"\w", word))


def mean_words(blocks: list[Block]) -> float | None:
    """Return the mean length of the sentences, in words; None if they are too few for a mean."""
    lengths = [word_count(one) for block in blocks if block.counts for one in sentences_of(block.text)]
    lengths = [one for one in lengths if one > 2]
    return sum(lengths) / len(lengths) if len(lengths) >= FEWEST_SENTENCES else None


def findings_of(blocks: list[Block]) -> list[str]:
    """Return one line for each sentence that is too long or has a banned construction, and one for too long a mean."""
    found = []
    for block in blocks:
        most = MOST_WORDS_IN_CODE if block.is_code else MOST_WORDS
        banned = _BANNED | _BANNED_IN_CODE if block.is_code else _BANNED
        for sentence in sentences_of(block.text):
            if (words := word_count(sentence)) > most:
                found.append(f"line {block.line}: {words} words, at most {most}: {sentence}")
            found += [
                f"line {block.line}: '{bad[0].strip()}', {hint}: {sentence}"
                for pattern, hint in banned.items()
                if (bad := pattern.search(sentence))
            ]
    mean = mean_words(blocks)
    if mean is not None and mean > MEAN_WORDS:
        found.append(f"the mean sentence has {mean:.1f} words, at most {MEAN_WORDS:.0f}")
    return found


def _document(text: str) -> Iterator[Block]:
    text = re.sub(r"<!--.*?-->", lambda found: "\n" * found[0].count("\n"), text, flags=re.S)
    lines, start, is_fenced = [], 0, False
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.lstrip().startswith("```"):
            is_fenced = not is_fenced
        is_prose = not is_fenced and not re.match(r"\s*$|```|#|\||    \S|---|===|\[[^\]]+\]:", line)
        is_item = bool(re.match(r"\s*([-*+]|\d+\.)\s", line))
        if lines and re.match(r"    ", line) and not is_fenced and line.strip():
            is_prose = True  # a continued item
        if lines and (not is_prose or is_item):
            yield Block(start, " ".join(lines), is_code=False)
            lines = []
        if is_prose:
            start = start if lines else number
            lines.append(re.sub(r"^\s*([-*+]|\d+\.|>)\s+", "", line).strip())
        elif not is_fenced and line.startswith("|"):
            yield from (Block(number, cell, is_code=False, counts=False) for cell in line.strip("| ").split(" | "))


def _module(text: str) -> Iterator[Block]:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if (
                isinstance(child, ast.Expr)
                and isinstance(child.value, ast.Constant)
                and isinstance(child.value.value, str)
            ):
                yield from _docstring(child.lineno, child.value.value)
        if isinstance(node, ast.keyword) and node.arg in ("help", "short_help", "epilog"):
            words = "".join(
                one.value if isinstance(one.value, str) else "CODE"
                for one in ast.walk(node.value)
                if isinstance(one, ast.Constant)
            )
            yield Block(node.value.lineno, words, is_code=True, counts=False)
    yield from _comments(text)


def _docstring(line: int, text: str) -> Iterator[Block]:
    paragraph, section = "", False
    for row in [*inspect.cleandoc(text).splitlines(), ""]:
        is_preformatted = not section and row.startswith("    ")
        is_argument = section and re.match(r"\s+\*{0,2}\w+( \(.*?\))?: ", row)
        is_section = bool(re.match(r"\s*(Args|Returns|Raises|Yields|Attributes|Errors):\s*$", row))
        if paragraph and (
            not row.strip() or is_preformatted or is_argument or is_section or re.match(r"\s*([-*]|\d+\.)\s", row)
        ):
            yield Block(line, paragraph, is_code=True, counts=not section)
            paragraph = ""
        section = is_section or section
        if not is_section and not is_preformatted and row.strip() and row.strip() != "\\b":
            row = re.sub(r"^\s*\*{0,2}\w+( \(.*?\))?: ", "", row) if is_argument else re.sub(r"^\s*[-*]\s", "", row)
            paragraph = f"{paragraph} {row.strip()}".strip()


def _comments(text: str) -> Iterator[Block]:
    words, start, column, last = "", 0, -1, -1
    tokens = [one for one in tokenize.generate_tokens(io.StringIO(text).readline) if one.type == tokenize.COMMENT]
    for token in tokens:
        line, at = token.start
        comment = token.string.lstrip("#! ")
        if words and (line != last + 1 or at != column):
            yield Block(start, words, is_code=True, counts=False)
            words = ""
        if not re.match(r"noqa|type:|ruff:|mypy:|---|/usr|pragma|fmt:|shellcheck", comment):
            start = start if words else line
            words = f"{words} {comment.partition('  # noqa')[0]}".strip()
        last, column = line, at
    if words:
        yield Block(start, words, is_code=True, counts=False)


def files() -> list[Path]:
    """Return every document and module that the check reads, sorted."""
    documents = [path for pattern in DOCUMENTS for path in ROOT.glob(pattern)]
    modules = [path for name in MODULES for path in (ROOT / name).rglob("*.py")]
    return sorted(path for path in {*documents, *modules} if not any(part in path.as_posix() for part in COPIED))


def pending() -> set[str]:
    """Return the files that are not held to the rules yet, by their paths in the repository."""
    return set(PENDING.read_text("utf-8").split()) if PENDING.exists() else set()


def checked_files() -> list[Path]:
    """Return the files that are held to the rules."""
    later = pending()
    return [path for path in files() if path.relative_to(ROOT).as_posix() not in later]


def main(arguments: list[str]) -> int:
    """Print findings and figures; return 1 if there are findings."""
    if arguments == ["--pending"]:
        bad = [path.relative_to(ROOT).as_posix() for path in files() if findings_of(blocks_of(path))]
        PENDING.write_text("".join(f"{one}\n" for one in bad), "utf-8")
        return 0
    count = 0
    for path in [Path(one).resolve() for one in arguments] or checked_files():
        blocks = blocks_of(path)
        found = findings_of(blocks)
        count += len(found)
        mean = mean_words(blocks)
        if arguments or found:
            print(f"{path.relative_to(ROOT)}: mean {'-' if mean is None else f'{mean:.1f}'}")  # noqa: T201
        for line in found:
            print(f"  {line}")  # noqa: T201
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Man pages, one for the program and one for each of its commands, made from the help texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edge_daemon.cli.command_tree import CommandPage
from edge_daemon.cli.examples import EXAMPLES


def man_pages(
    pages: Sequence[CommandPage], readers: Mapping[str, Sequence[str]], version: str
) -> Iterator[tuple[str, str]]:
    """Yield file name and text of each page.

    Args:
        pages: every command, the program first.
        readers: headings of the program's page, each with its commands.
        version: the release of the pages.
    """
    program = pages[0].usage.split()[0]
    for page in pages:
        words = page.name.split()
        if len(words) < 2:
            below = [one for one in pages if words and one.name.split()[:1] == words and one is not page]
            name = "-".join([program, *words])
            lines = [f'.TH "{_quoted(name.upper())}" 1 "" "edge-daemon {version}" "Classroom attendance daemon"']
            lines += [".SH NAME", f"{_escaped(name)} \\- {_escaped(page.summary)}"]
            lines += _command(page, program, ".SH")
            lines += list(_overview(pages, readers, program)) if not words else []
            for one in below:
                lines += [f'.SH "{_quoted(one.name.upper())}"', *_command(one, program, ".SS")]
            lines += [".SH SEE ALSO", f".BR {_escaped(program)} (1)"] if words else []
            yield f"{name}.1", "\n".join(lines) + "\n"


def _command(page: CommandPage, program: str, head: str) -> Iterator[str]:
    yield f"{head} SYNOPSIS"
    yield _escaped(page.usage)
    yield f"{head} DESCRIPTION"
    for paragraph in page.text:
        yield ".PP"
        yield _escaped(paragraph)
    if page.options:
        yield f"{head} OPTIONS"
    for option in page.options:
        yield ".TP"
        yield f"\\fB{_escaped(', '.join(option.names))}\\fR {_escaped(option.metavar)}".rstrip()
        yield _escaped(option.help)
    examples = EXAMPLES.get(page.name, ())
    if examples:
        yield f"{head} EXAMPLES"
        yield ".nf"
        yield from (_escaped(f"{program} {line}") for line in examples)
        yield ".fi"


def _overview(pages: Sequence[CommandPage], readers: Mapping[str, Sequence[str]], program: str) -> Iterator[str]:
    summaries = {one.name: one.summary for one in pages}
    for reader, names in readers.items():
        yield f'.SH "{_quoted(reader.upper())}"'
        for name in names:
            yield ".TP"
            yield f".BR {_escaped(f'{program}-{name}')} (1)"
            yield _escaped(summaries[name])


def _escaped(text: str) -> str:
    """Return a line escaped for roff: backslashes, minus signs, and a dot or quote at its start."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '""')

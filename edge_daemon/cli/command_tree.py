"""All commands with their options as data, for completion scripts and man pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import click

from edge_daemon.cli.help_page import command_name, summary


@dataclass(frozen=True, slots=True)
class CommandOption:
    """One option of a command."""

    names: tuple[str, ...]
    metavar: str
    """Name of the option's value; empty if the option takes none."""
    choices: tuple[str, ...]
    help: str


@dataclass(frozen=True, slots=True)
class CommandPage:
    """One command with its options."""

    name: str
    """The command's name without the program's name; empty for the program itself."""
    usage: str
    summary: str
    text: tuple[str, ...]
    """Paragraphs of the help text."""
    options: tuple[CommandOption, ...]
    children: tuple[str, ...]
    """Names of its subcommands."""


def command_pages(program: click.Group, program_name: str) -> list[CommandPage]:
    """Return every command that is not hidden, each before its subcommands."""
    return list(_pages(program, click.Context(program, info_name=program_name, **program.context_settings)))


def _pages(command: click.Command, context: click.Context) -> Iterator[CommandPage]:
    children = []
    if isinstance(command, click.Group):
        found = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
        children = [(name, one) for name, one in found if one is not None and not one.hidden]
    paragraphs = (command.help or "").strip().split("\n\n")
    yield CommandPage(
        name=command_name(context),
        usage=" ".join([context.command_path, *command.collect_usage_pieces(context)]),
        summary=summary(command),
        text=tuple(" ".join(one.split()) for one in paragraphs),
        options=tuple(_options(command, context)),
        children=tuple(name for name, _ in children),
    )
    for name, child in children:
        yield from _pages(child, click.Context(child, info_name=name, parent=context))


def _options(command: click.Command, context: click.Context) -> Iterator[CommandOption]:
    for one in command.get_params(context):
        record = one.get_help_record(context)
        if not isinstance(one, click.Option) or record is None:
            continue
        takes_value = not (one.is_flag or one.count)
        choices = tuple(map(str, one.type.choices)) if isinstance(one.type, click.Choice) else ()
        metavar = one.make_metavar(context) if takes_value else ""
        yield CommandOption((*one.opts, *one.secondary_opts), metavar, choices, record[1])

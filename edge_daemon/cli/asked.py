"""Values that a command asks for: an option that names a person need not stand on a command line."""

from __future__ import annotations

import sys

import click


def asked(value: str | None, parameter: str) -> str:
    """Return the value of an option or argument of this command; one that was not given is read from standard input.

    Command lines are seen by every process of the computer and logged by sudo; what is typed or piped in is neither.

    Args:
        value: as it was given.
        parameter: its name in the command's declaration.

    Raises:
        click.UsageError: nothing was given, and standard input has ended.
    """
    if value is not None:
        return value
    context = click.get_current_context()
    declared = next(one for one in context.command.params if one.name == parameter)
    is_seen = sys.stderr.isatty()
    click.echo(f"{_label(declared)}: " if is_seen else "", nl=False, err=True)
    try:
        line = sys.stdin.readline() if sys.stdin is not None else ""
    except OSError:  # a terminal that has gone
        line = ""
    if not line.strip():
        click.echo(nl=is_seen and not line, err=True)
        raise click.MissingParameter(ctx=context, param=declared)
    return str(declared.type.convert(line.strip(), declared, context))


def _label(declared: click.Parameter) -> str:
    if isinstance(declared.type, click.Choice):
        return f"{declared.name} ({', '.join(declared.type.choices)})"
    words = getattr(declared, "help", None) or declared.human_readable_name
    return str(words).rstrip(".")

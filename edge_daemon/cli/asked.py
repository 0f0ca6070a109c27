"""Values that a command asks for, so that personal data need not be on the command line."""

from __future__ import annotations

import sys

import click


def asked(value: str | None, parameter: str) -> str:
    """Return the value of an option or argument of this command, or read it from standard input if it was not given.

    Every process of the computer can see a command line, and sudo logs it. Text that is typed or piped in is neither
    visible to other processes nor logged.

    Args:
        value: the value on the command line, or None.
        parameter: the parameter's name in the command's declaration.

    Raises:
        click.UsageError: no value was given, and standard input has ended.
    """
    if value is not None:
        return value
    context = click.get_current_context()
    declared = next(one for one in context.command.params if one.name == parameter)
    is_seen = sys.stderr.isatty()
    click.echo(f"{_label(declared)}: " if is_seen else "", nl=False, err=True)
    try:
        line = sys.stdin.readline() if sys.stdin is not None else ""
    except OSError:  # the terminal has gone
        line = ""
    if not line.strip():
        click.echo(nl=is_seen and not line, err=True)
        raise click.MissingParameter(ctx=context, param=declared)
    return str(declared.type.convert(line.strip(), declared, context))


def confirmed(question: str) -> bool:
    """Return whether a person at the terminal answers yes; the end of the input is no."""
    try:
        return click.confirm(question, default=False, err=True)
    except click.Abort as aborted:
        if not isinstance(aborted.__context__, EOFError):
            raise  # Ctrl-C
        click.echo(err=True)
        return False


def can_ask() -> bool:
    """Return whether a person at a terminal can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def _label(declared: click.Parameter) -> str:
    if isinstance(declared.type, click.Choice):
        return f"{declared.name} ({', '.join(declared.type.choices)})"
    words = getattr(declared, "help", None) or declared.human_readable_name
    return str(words).rstrip(".")

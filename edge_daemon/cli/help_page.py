"""Help pages: every summary in full, and an example below each command."""

from __future__ import annotations

import click

from edge_daemon.cli.examples import EXAMPLES


def command_name(context: click.Context) -> str:
    """Return the name of a command without the program's name, such as `register show`."""
    return context.command_path.partition(" ")[2]


def summary(command: click.Command) -> str:
    """Return the first sentence of a command's help, in full and without its full stop."""
    paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".")


class CommandHelp(click.Command):
    """A command whose help page ends with an example."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples of this command below its options."""
        super().format_epilog(ctx, formatter)
        _write_examples(ctx, formatter)


class GroupHelp(click.Group):
    """A group whose help page shows the summaries of its commands in full; click would cut them."""

    command_class = CommandHelp
    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a line for each command."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(one)) for name, one in found if one is not None and not one.hidden])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples of this group below its commands."""
        super().format_epilog(ctx, formatter)
        _write_examples(ctx, formatter)


def _write_examples(context: click.Context, formatter: click.HelpFormatter) -> None:
    program = context.find_root().command_path
    lines = EXAMPLES.get(command_name(context), ())
    if not lines:
        return
    with formatter.section("Example" if len(lines) == 1 else "Examples"):
        for line in lines:
            formatter.write(f"{'':{formatter.current_indent}}{program} {line}\n")

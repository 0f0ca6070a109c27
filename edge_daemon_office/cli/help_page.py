"""Help pages that show the summary of each command in full; click would cut it at the end of the line."""

from __future__ import annotations

import click


class WholeSummaries(click.Group):
    """A group of commands, each with the first sentence of its help."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write name and summary of each command."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(one)) for name, one in found if one is not None])


def _summary(command: click.Command) -> str:
    paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".")

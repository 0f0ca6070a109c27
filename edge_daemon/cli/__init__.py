"""The command `edge-daemon`. Each command is a file in this folder and is imported only when it is used."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from edge_daemon import __version__
from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.cli.this_command import commands_here
from edge_daemon.errors import EdgeError
from edge_daemon.home import Home

_COMMANDS = {
    "enrol": ("edge_daemon.cli.enrol:enrol", "Students, their consent and their photographs."),
    "run": ("edge_daemon.cli.run:run", "The service: follow the timetable, take every register."),
    "checkin": ("edge_daemon.cli.checkin:checkin", "Check in at the door by a spoken phrase."),
    "rehearse": ("edge_daemon.cli.rehearse:rehearse", "Take the register of one lesson now, from pictures or a video."),
    "timetable": ("edge_daemon.cli.timetable:timetable", "The coming lessons, and which are skipped and why."),
    "register": ("edge_daemon.cli.register:register", "Look at registers and correct them."),
    "plan": ("edge_daemon.cli.plan:plan", "When pictures are taken: fixed before the lesson, checked after it."),
    "ledger": (
        "edge_daemon.cli.ledger:ledger",
        "The history of every lesson, and the proof that nothing was changed.",
    ),
    "outbox": ("edge_daemon.cli.outbox:outbox", "Items that are still to be delivered; retry refused ones."),
    "mail": ("edge_daemon.cli.mail:mail", "Test the mail server, and preview messages."),
    "export": ("edge_daemon.cli.export:export", "Write a spreadsheet of the registers."),
    "collect": (
        "edge_daemon.cli.collect:collect",
        "Read the registers of all rooms, verify them, and write them to one file.",
    ),
    "audit": ("edge_daemon.cli.audit:audit", "Look at the room: who will be recognised, where to put the camera."),
    "mask": ("edge_daemon.cli.mask:mask", "Masks in pictures, or in front of a camera: none, right, wrong."),
    "maintain": (
        "edge_daemon.cli.maintain:maintain",
        "Backups, retention, checks, and documents from the office.",
    ),
    "sync": ("edge_daemon.cli.sync:sync", "Deliver due items, and fetch the office's documents for this device."),
    "office-key": ("edge_daemon.cli.office_key:office_key", "The office's public keys, which sign its corrections."),
    "status": ("edge_daemon.cli.status:status", "The state of the service now, and the problems that need a person."),
    "doctor": ("edge_daemon.cli.doctor:doctor", "Checks of this installation, with advice."),
    "identity": ("edge_daemon.cli.firstboot:identity", "The device's name and public key."),
    "firstboot": ("edge_daemon.cli.firstboot:firstboot", "Take over a prepared card; systemd starts it."),
    "update": ("edge_daemon.cli.update:update", "Install a signed release; one that does not work is rolled back."),
    "update-check": (
        "edge_daemon.cli.update:update_check",
        "Check whether this release works here, before it is installed.",
    ),
    "lab": ("edge_daemon.cli.lab:lab", "Experiments, never part of a lesson; they need packages that no device has."),
    "config": ("edge_daemon.cli.config_show:config", "The settings in effect."),
    "manual": ("edge_daemon.cli.manual:manual", "Write man pages, and completion for bash, zsh and fish."),
}
"""Maps a name to (module:object, short help). The short help is here so that `--help` imports nothing else."""
READERS = {
    "Registers (teacher, office)": ("register", "export", "ledger", "plan"),
    "Students (office, data protection officer)": ("enrol", "checkin"),
    "The office's computer": ("collect",),
    "A device in daily use (technician)": ("status", "doctor", "timetable", "outbox", "mail", "maintain"),
    "Setting a device up (technician)": ("audit", "config", "identity", "office-key", "update", "manual"),
    "Pictures without a lesson (anybody)": ("rehearse", "mask", "lab"),
    "Started by systemd": ("run", "sync", "firstboot", "update-check"),
}
"""Commands by reader, in the order of `--help`."""
_WIDEST_NAME = max(map(len, _COMMANDS))


class _LazyGroup(GroupHelp):
    """A group that imports a command only when it is called, because imports are slow on a Pi."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for names in READERS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for reader, names in READERS.items():
            with formatter.section(reader):
                formatter.write_dl([(name.ljust(_WIDEST_NAME), _COMMANDS[name][1].rstrip(".")) for name in names])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command.

        If it raises an error, rewrite the commands in the error's advice so that they work as printed.
        """
        try:
            return super().invoke(ctx)
        except EdgeError as error:
            error.hint = commands_here(error.hint, ctx.obj)
            raise


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    envvar="EDGE_DAEMON_HOME",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Keep settings and state in DIR, not in /etc/edge-daemon and /var/lib/edge-daemon.",
)
@click.version_option(__version__, prog_name="edge-daemon")
@click.pass_context
def cli(ctx: click.Context, home: Path | None) -> None:
    """Take a classroom's attendance register, from pictures to spreadsheet."""
    ctx.obj = Home(home)

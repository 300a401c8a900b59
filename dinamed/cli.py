"""The `dinamed` command."""

import argparse
import io
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple, Protocol, cast

from dinamed import __version__


class Command(Protocol):
    """What does the work: a module of `dinamed.commands`, or a part of one."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; return the exit status."""
        ...


class CommandEntry(NamedTuple):
    """Where a command is, so that the others need not be imported for it."""

    about: str
    """One line."""
    module: str
    part: str = ""
    """The name of the command in the module, if it is not all of that."""

    def load(self) -> Command:
        """Import it."""
        module = import_module(f"dinamed.commands.{self.module}")
        return cast(Command, getattr(module, self.part) if self.part else module)


COMMANDS: Mapping[str, CommandEntry] = MappingProxyType(
    {
        "serve": CommandEntry("run the server in the foreground", "serve"),
        "init": CommandEntry("write a config and a zone file to begin with", "init"),
        "check": CommandEntry(
            "read a config file and all it names, and print every problem", "check"
        ),
        "diff": CommandEntry(
            "tell what a reload would change in the server that runs", "diff"
        ),
        "schema": CommandEntry(
            "print the JSON schema of the config, for editors", "schema"
        ),
        "explain": CommandEntry(
            "tell the answer that a client gets, and why, stage by stage", "explain"
        ),
        "simulate": CommandEntry(
            "show how the load would spread over mirrors, for each way to choose",
            "simulate",
        ),
        "convert": CommandEntry(
            "print the config and zone files that say the same as another program's "
            "files",
            "convert",
        ),
        "status": CommandEntry(
            "show a running server: its zones, pools and members", "status"
        ),
        "events": CommandEntry(
            "tell what has happened to a running server, and by whom", "events"
        ),
        "drain": CommandEntry(
            "hand a member out no more, whatever its checks say", "orders", "DRAIN"
        ),
        "up": CommandEntry(
            "hand a member out, whatever its checks say", "orders", "UP"
        ),
        "down": CommandEntry(
            "take a member for dead, whatever its checks say", "orders", "DOWN"
        ),
        "auto": CommandEntry(
            "let the checks of a member decide again", "orders", "AUTO"
        ),
        "fleet": CommandEntry(
            "show the servers that answer as one: who is live, and how far behind",
            "fleet",
        ),
        "reload": CommandEntry(
            "have a running server read its config and zones again", "reload"
        ),
        "replace": CommandEntry(
            "have a new process, of what is installed now, take over from a running "
            "server",
            "replace",
        ),
        "top": CommandEntry(
            "show a running server live: questions, members, load (q ends it)", "top"
        ),
        "dnssec": CommandEntry("look after the keys of signed zones", "dnssec"),
        "completion": CommandEntry(
            "print a script that has a shell complete the commands and options",
            "completion",
        ),
    }
)


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser of the command line; `run` of what it returns does the work.

    It knows what `command` takes, and only the names of the others; without, what all
    of them take.
    """
    top = argparse.ArgumentParser(
        prog="dinamed",
        description="Look after a load-balancing name server and its config.",
    )
    top.add_argument("--version", action="version", version=f"dinamed {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for name, entry in COMMANDS.items():
        one = commands.add_parser(name, help=entry.about, description=entry.about)
        if command is None or name == command:
            loaded = entry.load()
            loaded.add_arguments(one)
            one.set_defaults(run=loaded.run, whole=parser)
    return top


def parser_for(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser for these words: its command is the first that is no option."""
    return parser(next((word for word in argv if word[:1] != "-"), ""))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1, or 2 for wrong usage."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file's name may hold what the terminal's encoding doesn't.
        sys.stdout.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if argv is None else argv
    arguments = parser_for(words).parse_args(words)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has had enough, as `head` has
        # What is left has nowhere to go; without this Python complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())

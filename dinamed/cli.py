"""The `dinamed` command."""

import argparse
import io
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from dinamed import __version__
from dinamed.commands import (
    check,
    completion,
    convert,
    dnssec,
    explain,
    orders,
    reload,
    replace,
    simulate,
    status,
    top,
)


class Command(Protocol):
    """A module of `dinamed.commands`."""

    @property
    def HELP(self) -> str:  # noqa: N802
        """One line about it."""
        ...

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the command takes."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; return the exit status."""
        ...


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "check": check,
        "explain": explain,
        "simulate": simulate,
        "convert": convert,
        "status": status,
        "drain": orders.DRAIN,
        "up": orders.UP,
        "down": orders.DOWN,
        "auto": orders.AUTO,
        "reload": reload,
        "replace": replace,
        "top": top,
        "dnssec": dnssec,
        "completion": completion,
    }
)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; `run` of what it returns does the work."""
    top = argparse.ArgumentParser(
        prog="dinamed",
        description="Look after a load-balancing name server and its config.",
    )
    top.add_argument("--version", action="version", version=f"dinamed {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.HELP, description=command.HELP)
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1, or 2 for wrong usage."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file's name may hold what the terminal's encoding doesn't.
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = parser().parse_args(argv)
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

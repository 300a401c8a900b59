"""`dinamed check FILE`: read a config and all it names; tell every problem."""

import argparse
from dataclasses import replace

from dinamed.config.check import load_all
from dinamed.config.settings import Settings
from dinamed.server.collecting import uncollected
from dinamed.wording import counted

HELP = "read a config file and all it names, and print every problem"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("file", metavar="FILE", help="the config file (TOML)")


def run(arguments: argparse.Namespace) -> int:
    """Print `FILE:LINE: key: message` for each problem; 0 if there is none, else 1.

    What is served in another way than another program's file says is a warning.
    """
    with uncollected():
        everything = load_all(arguments.file)
    for problem in everything.problems:
        print(problem)
    for warning in everything.warnings:
        print(replace(warning, message=f"warning: {warning.message}"))
    if everything.settings is None:
        return 1
    print(f"{arguments.file}: ok: {summary(everything.settings)}")
    return 0


def summary(settings: Settings) -> str:
    """The size of a config: `2 zones, 3 pools, 14 members`."""
    members = sum(len(pool.members) for pool in settings.pools)
    return ", ".join(
        (
            counted(len(settings.zones), "zone"),
            counted(len(settings.pools), "pool"),
            counted(members, "member"),
        )
    )

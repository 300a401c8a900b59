"""`dinamed replace`: have a new process take over from a running server."""

import argparse
import json

from dinamed.commands.remote import (
    RemoteError,
    add_remote_arguments,
    complain,
    remote_of,
)

PATIENCE = 120.0
"""Seconds that the new process may take, and more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--json", action="store_true", help="for programs")
    add_remote_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print who answers then; 1 and the reason if it is still the old process."""
    try:
        remote = remote_of(arguments)
        told = remote.change("POST", "/api/v1/replace", timeout=PATIENCE)
    except RemoteError as error:
        return complain(error)
    if arguments.json:
        print(json.dumps(told))
        return 0
    print(f"process {told['pid']} has taken over: {told['serving']}")
    return 0

"""`dinamed reload`: have a running server read its config and zones again."""

import argparse
import json

from dinamed.commands.remote import (
    RemoteError,
    add_remote_arguments,
    complain,
    remote_of,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--json", action="store_true", help="for programs")
    add_remote_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what is served then; 1 and all problems if nothing has changed."""
    try:
        told = remote_of(arguments).change("POST", "/api/v1/reload")
    except RemoteError as error:
        return complain(error)
    if arguments.json:
        print(json.dumps(told))
        return 0
    print(f"reloaded: {told['serving']}")
    return 0

"""`dinamed events`: what has happened to a running server, and by whom."""

import argparse
import json
import time
from typing import Any

from dinamed.commands.remote import (
    RemoteError,
    add_remote_arguments,
    complain,
    remote_of,
)

ADDRESS = "/api/v1/events"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--since",
        metavar="N",
        default="0",
        help="only what came after the event of that number",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    add_remote_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the events, the oldest first; 1 if the server could not tell."""
    try:
        events = remote_of(arguments).get(ADDRESS, since=arguments.since)
    except RemoteError as error:
        return complain(error)
    if arguments.json:
        print(json.dumps(events, indent=2))
        return 0
    for event in events:
        print(line(event))
    return 0


def line(event: dict[str, Any]) -> str:
    """One event as a line: number, local time, kind, subject, text, who and why."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event["at"]))
    words = [f"{event['id']:>4}", at, f"{event['kind']:7}"]
    words += [f"{event['subject']}:"] if event["subject"] else []
    words.append(event["text"])
    words += [f"by {event['by']}"] if event["by"] else []
    words += [f"({event['reason']})"] if event["reason"] else []
    return " ".join(words)

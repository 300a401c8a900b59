"""`dinamed events`: what has happened to a running server, and by whom."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from dinamed.commands.journal import journal_of
from dinamed.commands.remote import (
    Remote,
    RemoteError,
    add_remote_arguments,
    complain,
    remote_of,
)
from dinamed.commands.times import unix_time
from dinamed.journal.events import MOST_EVENTS
from dinamed.journal.files import JournalFiles
from dinamed.journal.past import events_between

Events = list[dict[str, Any]]

ADDRESS = "/api/v1/events"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--since",
        metavar="WHEN",
        help='only what came after the event of that number, or since a time: "03:12", '
        '"2026-11-27 03:12", "2h" (ago)',
    )
    parser.add_argument(
        "--until", metavar="TIME", help="only what came before, as far as it is kept"
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        help="read the journal in the state folder of the config, without the server",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    add_remote_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the events, the oldest first; 1 if they can't be had, 2 for a bad time."""
    number = arguments.since or "0"
    span = None
    if arguments.until or not number.isdigit() or arguments.offline:
        try:
            span = _span(arguments, time.time())
        except ValueError as error:
            print(f"dinamed events: {error}", file=sys.stderr)
            return 2
    try:
        if span is None:
            events = remote_of(arguments).get(ADDRESS, since=number)
        elif arguments.offline:
            journal = journal_of(arguments.config)
            events = _all(partial(_read, journal), *span)
        else:
            events = _all(partial(_ask, remote_of(arguments)), *span)
    except RemoteError as error:
        return complain(error)
    except OSError as error:
        print(f"dinamed events: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(events, indent=2))
        return 0
    for event in events:
        print(line(event))
    return 0


def _span(arguments: argparse.Namespace, now: float) -> tuple[float, float]:
    since, until = arguments.since, arguments.until
    after = unix_time(since, now) if since and since != "0" else 0.0
    before = unix_time(until, now) if until else now + 60.0  # clocks differ a little
    return after, before


def _all(ask: Callable[[float, float], Events], after: float, before: float) -> Events:
    """All events of a span, of which `ask` gives the first so many."""
    found: Events = []
    while True:
        some = ask(after, before)
        new = [event for event in some if event not in found[-MOST_EVENTS:]]
        found += new
        if len(some) < MOST_EVENTS or not new:
            return found
        after = some[-1]["at"]


def _ask(remote: Remote, after: float, before: float) -> Events:
    events: Events = remote.get(ADDRESS, after=repr(after), before=repr(before))
    return events


def _read(journal: JournalFiles, after: float, before: float) -> Events:
    events: Events = msgspec.to_builtins(events_between(journal, after, before))
    return list(events)


def line(event: dict[str, Any]) -> str:
    """One event as a line: number, local time, kind, subject, text, who and why."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event["at"]))
    words = [f"{event['id']:>4}", at, f"{event['kind']:7}"]
    words += [f"{event['subject']}:"] if event["subject"] else []
    words.append(event["text"])
    words += [f"by {event['by']}"] if event["by"] else []
    words += [f"({event['reason']})"] if event["reason"] else []
    return " ".join(words)

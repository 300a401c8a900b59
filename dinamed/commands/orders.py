"""`dinamed drain|up|down|auto POOL/MEMBER...`: order the state of members."""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from dinamed.commands import fleet
from dinamed.commands.remote import (
    Remote,
    RemoteError,
    add_remote_arguments,
    complain,
    remote_of,
)
from dinamed.commands.status import duration
from dinamed.config import durations


def seconds(text: str) -> int:
    """Read a span of time such as `2h`, `1h30m`, `90s` or `90`.

    Raises `argparse.ArgumentTypeError`.
    """
    try:
        total = round(durations.seconds(text))
    except ValueError:
        message = f"{text!r} is not a span such as 2h or 90s"
        raise argparse.ArgumentTypeError(message) from None
    if not total:
        raise argparse.ArgumentTypeError("a span of no time")
    return total


@dataclass(frozen=True)
class OrderCommand:
    """The command for one state."""

    state: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""
        parser.add_argument(
            "members",
            nargs="+",
            metavar="POOL/MEMBER",
            help="a member, or several by a pattern in quotes, such as 'mirrors/*'",
        )
        if self.state != "auto":
            parser.add_argument(
                "--for",
                dest="span",
                type=seconds,
                metavar="TIME",
                help="how long, as 2h or 90s (default: until ordered otherwise)",
            )
        parser.add_argument(
            "--by", metavar="WHO", default="", help="who gives the order"
        )
        parser.add_argument("--reason", metavar="TEXT", default="", help="and why")
        parser.add_argument(
            "--here", action="store_true", help="for this server, not for its fleet"
        )
        parser.add_argument(
            "--no-wait",
            action="store_true",
            help="do not wait until the other servers of the fleet know",
        )
        parser.add_argument("--json", action="store_true", help="for programs")
        add_remote_arguments(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Give the orders; 0, or 1 if the server did not take them all."""
        try:
            remote = remote_of(arguments)
            wanted = list(members_of(remote, arguments.members))
        except RemoteError as error:
            return complain(error)
        span = getattr(arguments, "span", None)
        body: dict[str, object] = {"state": self.state}
        if span is not None:
            body["for"] = span
        for key in ("by", "reason", "here"):
            if getattr(arguments, key):
                body[key] = getattr(arguments, key)
        replies: list[dict[str, Any]] = []
        status = 0
        for pool, member in wanted:
            path = f"/api/v1/pools/{quote(pool)}/members/{quote(member, safe='')}"
            try:
                told = remote.change("PUT", path, body)
            except RemoteError as error:
                status = complain(error)
                continue
            replies.append(told)
            if not arguments.json:
                self._print(f"{pool}/{member}", told, span)
        if not arguments.no_wait:
            status = _wait(remote, replies) or status
        if arguments.json:
            several = len(arguments.members) > 1 or is_pattern(arguments.members[0])
            told = replies if several else next(iter(replies), None)
            print(json.dumps(told, indent=2))
        else:
            for effect in dict.fromkeys(
                filter(None, (one["effect"] for one in replies))
            ):
                print(effect)
            if replies and not arguments.here:
                fleet.tell_seen(replies[-1]["fleet"])
        return status

    def _print(self, name: str, told: dict[str, Any], span: int | None) -> None:
        how_long = "" if span is None else f" for {duration(span)}"
        reason = f" ({told['reason']})" if told["reason"] else ""
        print(f"{name}: {self.state}{how_long}, now {told['state']}{reason}")


def _wait(remote: Remote, replies: list[dict[str, Any]]) -> int:
    """Wait until the fleet has seen the orders; 0, or 1 if that can't be told."""
    try:
        for told in replies:
            told["fleet"] = fleet.wait_until_seen(remote, told["fleet"])
    except RemoteError as error:
        return complain(error)
    return 0


def is_pattern(text: str) -> bool:
    """Whether a text stands for several members."""
    return any(character in text for character in "*?[")


def members_of(remote: Remote, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The pools and members that texts name, or match as patterns of a shell.

    Raises `RemoteError` for what is no `POOL/MEMBER`, and for a pattern that matches
    nothing.
    """
    seen = set()
    for text in texts:
        pool, slash, member = text.partition("/")
        if not slash or not pool or not member:
            raise RemoteError(f"{text!r} is not POOL/MEMBER")
        found = [(pool, member)]
        if is_pattern(text):
            found = list(_matching(remote, pool, member))
            if not found:
                raise RemoteError(f"no member is matched by {text!r}")
        for one in found:
            if one not in seen:
                seen.add(one)
                yield one


def _matching(remote: Remote, pool: str, member: str) -> Iterator[tuple[str, str]]:
    for summary in remote.get("/api/v1/pools"):
        name = summary["name"]
        if not fnmatchcase(name, pool):
            continue
        for one in remote.get(f"/api/v1/pools/{quote(name)}")["members"]:
            if fnmatchcase(one["name"], member):
                yield name, one["name"]


DRAIN = OrderCommand("drain")
UP = OrderCommand("up")
DOWN = OrderCommand("down")
AUTO = OrderCommand("auto")

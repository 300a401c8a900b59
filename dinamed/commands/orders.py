"""`dinamed drain|up|down|auto POOL/MEMBER`: order the state of a member."""

import argparse
import json
from dataclasses import dataclass
from urllib.parse import quote

from dinamed.commands import fleet
from dinamed.commands.remote import (
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
        parser.add_argument("member", metavar="POOL/MEMBER")
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
        """Give the order; 0, or 1 if the server did not take it."""
        pool, slash, member = arguments.member.partition("/")
        if not slash:
            return complain(RemoteError(f"{arguments.member!r} is not POOL/MEMBER"))
        body: dict[str, object] = {"state": self.state}
        span = getattr(arguments, "span", None)
        if span is not None:
            body["for"] = span
        for key in ("by", "reason", "here"):
            if getattr(arguments, key):
                body[key] = getattr(arguments, key)
        path = f"/api/v1/pools/{quote(pool)}/members/{quote(member, safe='')}"
        try:
            remote = remote_of(arguments)
            told = remote.change("PUT", path, body)
            if not arguments.no_wait:
                told["fleet"] = fleet.wait_until_seen(remote, told["fleet"])
        except RemoteError as error:
            return complain(error)
        if arguments.json:
            print(json.dumps(told, indent=2))
            return 0
        how_long = "" if span is None else f" for {duration(span)}"
        reason = f" ({told['reason']})" if told["reason"] else ""
        print(f"{pool}/{member}: {self.state}{how_long}, now {told['state']}{reason}")
        if not arguments.here:
            fleet.tell_seen(told["fleet"])
        return 0


DRAIN = OrderCommand("drain")
UP = OrderCommand("up")
DOWN = OrderCommand("down")
AUTO = OrderCommand("auto")

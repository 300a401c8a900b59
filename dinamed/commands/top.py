"""`dinamed top`: a running server at a glance, again and again."""

import argparse
import os
import select
import shutil
import sys
import termios
import time
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from dinamed.commands.remote import (
    Remote,
    RemoteError,
    add_remote_arguments,
    complain,
    remote_of,
)
from dinamed.commands.status import duration, gather

BAR = 24
"""Columns of a bar."""
RED, YELLOW, GREEN, DIM, BOLD = "31", "33", "32", "2", "1"


class Seen(NamedTuple):
    """The server's status at one time, and the hand-outs up to then."""

    at: float
    told: Mapping[str, Any]

    def hand_outs(self) -> dict[tuple[str, str], int]:
        """By pool and member."""
        return {
            (pool["name"], member["name"]): member["hand_outs"]
            for pool in self.told["pools"]
            for member in pool["members"]
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("pool", nargs="?", help="only this pool")
    parser.add_argument(
        "--interval", type=_interval, default=2.0, metavar="S", help="seconds (2)"
    )
    parser.add_argument("--once", action="store_true", help="print once, and end")
    add_remote_arguments(parser)


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.2 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 0.2 to 3600 seconds")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """Show it until `q` or Ctrl-C; 0, or 1 if the server could not tell."""
    try:
        remote = remote_of(arguments)
        first = Seen(time.monotonic(), gather(remote, arguments.pool))
    except RemoteError as error:
        return complain(error)
    if arguments.once or not (sys.stdin.isatty() and sys.stdout.isatty()):
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        print("\n".join(lines(first, None, time.time(), colour)))
        return 0
    with screen():
        watch(remote, arguments, first)
    return 0


def watch(remote: Remote, arguments: argparse.Namespace, seen: Seen) -> None:
    """Show one picture after the other until a key ends it."""
    before: Seen | None = None
    trouble = ""
    while True:
        size = shutil.get_terminal_size()
        picture = lines(seen, before, time.time(), "NO_COLOR" not in os.environ)
        if trouble:
            picture.insert(0, painted(trouble, RED, True))
        shown = [_cut(line, size.columns) for line in picture[: size.lines - 1]]
        sys.stdout.write("\x1b[H" + "\x1b[K\r\n".join(shown) + "\x1b[K\x1b[J")
        sys.stdout.flush()
        if _asked_to_end(arguments.interval):
            return
        try:
            now = Seen(time.monotonic(), gather(remote, arguments.pool))
        except RemoteError as error:
            trouble = str(error)
            continue
        trouble, before, seen = "", seen, now


def _asked_to_end(seconds: float) -> bool:
    """Wait that long for a key; whether it is one that ends."""
    try:
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return bool(ready) and os.read(sys.stdin.fileno(), 1) in (b"q", b"Q", b"")
    except KeyboardInterrupt:
        return True


@contextmanager
def screen() -> Iterator[None]:
    """The whole terminal for a while; what was there comes back."""
    descriptor = sys.stdin.fileno()
    saved = termios.tcgetattr(descriptor)
    sys.stdout.write("\x1b[?1049h\x1b[?25l\x1b[2J")
    try:
        tty.setcbreak(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, saved)
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()


def lines(seen: Seen, before: Seen | None, now: float, colour: bool) -> list[str]:
    """One picture; rates need two sights."""
    status = seen.told["status"]
    head = (
        f"{status['identity']}  dinamed {status['version']} ({status['engine']})  "
        f"up {duration(status['up'])}  {status['questions']} questions"
    )
    rates: dict[tuple[str, str], float] = {}
    if before is not None and seen.at > before.at:
        lapse = seen.at - before.at
        gained = status["questions"] - before.told["status"]["questions"]
        head += f"  {max(0, gained) / lapse:.0f}/s"
        earlier = before.hand_outs()
        rates = {
            key: max(0, count - earlier.get(key, count)) / lapse
            for key, count in seen.hand_outs().items()
        }
    head += f"  {status['connections']} streams"
    if status["failures"]:
        head += painted(f"  {status['failures']} failures", RED, colour)
    picture = [painted(head, BOLD, colour)]
    for pool in seen.told["pools"]:
        picture += ["", *_pool(pool, rates, now, colour)]
    return picture


def _pool(
    pool: Mapping[str, Any],
    rates: Mapping[tuple[str, str], float],
    now: float,
    colour: bool,
) -> Iterator[str]:
    title = f"{pool['name']} ({', '.join(pool['select'])})"
    yield painted(title, BOLD, colour)
    if pool["down"]:
        yield painted(f"  {pool['lacking']}: {pool['when_down']}", RED, colour)
    width = max([len(member["name"]) for member in pool["members"]] + [6])
    width = min(width, 30)
    head = f"  {'MEMBER':{width}}  {'STATE':5}  {'LOAD':{BAR}}       "
    yield painted(f"{head}    OF      HAND-OUTS      /S", DIM, colour)
    for member in pool["members"]:
        rate = rates.get((pool["name"], member["name"]))
        shown = "-" if rate is None else f"{rate:.1f}"
        paint = {"up": GREEN, "drain": YELLOW}.get(member["state"], RED)
        state = painted(f"{member['state']:5}", paint, colour)
        row = (
            f"  {member['name'][:width]:{width}}  {state}  {_bar(member, colour)}"
            f"{member['hand_outs']:>15}{shown:>8}"
        )
        if member["reason"]:
            row += painted(f"  {member['reason']}", DIM, colour)
        if member["until"] is not None:
            row += painted(f", {duration(member['until'] - now)} more", DIM, colour)
        yield row


def _bar(member: Mapping[str, Any], colour: bool) -> str:
    """Load, and what is foreseen beyond it, as a share of the capacity."""
    load, room = member["load"], member["capacity"]
    if load is None:
        return f"{'no report':{BAR}}       {room:>6.4g}"
    share = load / room
    ahead = max(share, (member["predicted"] or 0) / room)
    full = min(BAR, round(share * BAR))
    more = min(BAR, round(ahead * BAR)) - full
    paint = RED if share >= 0.9 else YELLOW if share >= 0.7 else GREEN
    bar = painted("#" * full, paint, colour) + painted("+" * more, DIM, colour)
    return f"{bar}{'.' * (BAR - full - more)}  {share:>4.0%} {room:>6.4g}"


def painted(text: str, paint: str, colour: bool) -> str:
    """The text in a colour, if colours are wanted."""
    return f"\x1b[{paint}m{text}\x1b[0m" if colour and text else text


def _cut(line: str, columns: int) -> str:
    """The line without what does not fit; colours take no room."""
    shown, place, room = [], 0, columns
    while place < len(line) and room > 0:
        if line[place] == "\x1b":
            end = line.index("m", place) + 1
            shown.append(line[place:end])
            place = end
            continue
        shown.append(line[place])
        place, room = place + 1, room - 1
    return "".join(shown) + "\x1b[0m"

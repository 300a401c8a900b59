"""`dinamed top`: a running server at a glance, again and again."""

import argparse
import os
import select
import shutil
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from dinamed.commands.remote import (
    Remote,
    RemoteError,
    add_remote_arguments,
    complain,
    remote_of,
)
from dinamed.commands.status import gather
from dinamed.commands.top_picture import RED, Seen, lines, painted, room_of, screen_of
from dinamed.commands.top_view import SORTS, TopView, keys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("pool", nargs="?", help="only this pool")
    parser.add_argument(
        "--interval", type=_interval, default=2.0, metavar="S", help="seconds (2)"
    )
    parser.add_argument("--once", action="store_true", help="print once, and end")
    parser.add_argument("--find", default="", metavar="WORDS", help="only such members")
    parser.add_argument(
        "--sort", default=SORTS[0], choices=SORTS, help="the order of members"
    )
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
    view = TopView(find=arguments.find, sort=arguments.sort)
    if arguments.once or not (sys.stdin.isatty() and sys.stdout.isatty()):
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        columns = shutil.get_terminal_size((120, 40)).columns
        print("\n".join(lines(first, None, time.time(), colour, view, columns)))
        return 0
    with screen():
        watch(remote, arguments, first, view)
    return 0


def watch(
    remote: Remote, arguments: argparse.Namespace, seen: Seen, view: TopView
) -> None:
    """Show one picture after the other until a key ends it."""
    before: Seen | None = None
    trouble = ""
    due = time.monotonic() + arguments.interval
    while not view.ended:
        size = shutil.get_terminal_size()
        colour = "NO_COLOR" not in os.environ
        picture = lines(seen, before, time.time(), colour, view, size.columns)
        if trouble:
            picture[0] = painted(trouble, RED, colour)
        room = room_of(size.lines)
        # The list may have become shorter, or the terminal higher.
        last = max(0, len(picture) - 1 - room)
        view = view._replace(first=min(view.first, last))
        shown = screen_of(picture, view, size.columns, size.lines)
        sys.stdout.write("\x1b[H" + "\x1b[K\r\n".join(shown) + "\x1b[K\x1b[J")
        sys.stdout.flush()
        data = _typed(due - time.monotonic())
        if data is not None:
            for key in keys(data):
                view = view.pressed(key, len(picture) - 1, room)
            continue
        due = time.monotonic() + arguments.interval
        try:
            now = Seen(time.monotonic(), gather(remote, arguments.pool))
        except RemoteError as error:
            trouble = str(error)
            continue
        trouble, before, seen = "", seen, now


def _typed(seconds: float) -> bytes | None:
    """What is typed within that time; None if nothing is, "" at the end of it all."""
    try:
        ready, _, _ = select.select([sys.stdin], [], [], max(0.0, seconds))
        return os.read(sys.stdin.fileno(), 64) if ready else None
    except KeyboardInterrupt:
        return b""


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

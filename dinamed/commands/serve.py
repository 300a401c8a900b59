"""`dinamed serve`: the server in the foreground, as `twistd` runs it."""

import argparse
import os
import sys
from pathlib import Path

FOREGROUND = ("-n", "--pidfile=")
"""Options of twistd: stay in the foreground, and write no file of the process id."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments, which are those of `twistd dinamed`."""
    parser.add_argument(
        "-i",
        "--interface",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="address or host name to listen on, may be repeated; replaces `listen`",
    )
    parser.add_argument(
        "-p",
        "--port",
        metavar="PORT",
        help="UDP and TCP port where an interface names none (default: 53)",
    )
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help="config file; else /etc/dinamed/dinamed.toml, else the built-in example",
    )
    parser.add_argument("-d", "--debug", action="store_true", help="log every query")


def run(arguments: argparse.Namespace) -> int:
    """Become twistd, which stands beside this interpreter; 1 if it does not.

    The process is replaced and not left to wait: its number, its signals and its exit
    status are those of the server, and a takeover can start the same command again.
    """
    twistd = Path(sys.executable).with_name("twistd")
    if not twistd.exists():
        print(f"dinamed: there is no {twistd}", file=sys.stderr)
        return 1
    os.execv(sys.executable, [sys.executable, str(twistd), *twistd_options(arguments)])


def twistd_options(arguments: argparse.Namespace) -> list[str]:
    """What stands behind `twistd` for these arguments."""
    options = [*FOREGROUND, "dinamed"]
    options += [f"--interface={address}" for address in arguments.interface]
    for name in ("port", "config"):
        value = getattr(arguments, name)
        if value is not None:
            options.append(f"--{name}={value}")
    return [*options, "--debug"] if arguments.debug else options

"""The program of the new process: twistd, under a process that goes on.

`python -m dinamed.takeover.successor` takes what `twistd` takes.  It stays the child of
who started it (no daemon of its own), and keeps no pid file: that is the affair of
`dinamed.takeover.receiver`.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

from twisted.application import app
from twisted.scripts.twistd import ServerOptions, runApp  # type: ignore[attr-defined]

from dinamed.takeover.channel import VARIABLE
from dinamed.takeover.launch import DAEMON
from dinamed.takeover.messages import Failed, encode


class SuccessorOptions(ServerOptions):
    """The options of twistd, without what was done already."""

    def postOptions(self) -> None:
        """Leave out what the process before us has done."""
        super().postOptions()
        self["pidfile"] = ""
        self["nodaemon"] = True
        if DAEMON in os.environ and not (self["logfile"] or self["syslog"]):
            self["logfile"] = "twistd.log"
        if os.geteuid():
            # Dropped before; nor could we.
            self["uid"] = self["gid"] = None


def tell_failure(environment: Mapping[str, str], why: str) -> None:
    """Tell the old process why this one has failed, if it listens."""
    with suppress(KeyError, ValueError, OSError):
        descriptor = os.dup(int(environment[VARIABLE]))
        with socket.socket(fileno=descriptor) as sock:
            sock.settimeout(1)
            sock.sendall(encode(Failed(why)))


def main() -> None:
    """Run, and tell the process before us why if that fails at the start."""
    environment = dict(os.environ)
    try:
        app.run(runApp, SuccessorOptions)
    except SystemExit as stop:
        if isinstance(stop.code, str):
            tell_failure(environment, stop.code)
        raise
    except Exception as error:
        tell_failure(environment, f"{type(error).__name__}: {error}")
        raise


if __name__ == "__main__":
    main()

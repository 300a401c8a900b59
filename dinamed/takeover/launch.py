"""How this process was started, so that the next one can be started the same way."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twisted.scripts.twistd import ServerOptions  # type: ignore[attr-defined]

from dinamed.takeover.channel import VARIABLE

MODULE = "dinamed.takeover.successor"
DAEMON = "DINAMED_DAEMON"
"""Set in the environment of those whose first ancestor was a daemon."""

SYSTEMD = "NOTIFY_SOCKET"
"""Set in the environment by those who can be told of another main process."""


@dataclass(frozen=True)
class Launch:
    """A command line with all that belongs to it."""

    executable: str
    arguments: tuple[str, ...]
    """What stood behind `twistd`."""
    flags: tuple[str, ...]
    """Those of the interpreter."""
    folder: str
    environment: Mapping[str, str]
    pid_file: str = ""
    daemon: bool = False
    guarded: bool = False
    """Whether who started this process waits for its end."""
    log_file: str = ""
    """The file that twistd writes to, if it writes to one."""
    owner: tuple[int, int] | None = None
    """Who is to own the two files: who we are once privileges are dropped."""
    refusal: str = ""
    """Why nothing can be started like this; empty where it can."""

    def command(self) -> list[str]:
        """The command line of the next process."""
        flags = [*self.flags, "-P"]  # nothing is imported from the current folder
        return [self.executable, *flags, "-m", MODULE, *self.arguments]

    def next_environment(self, descriptor: int) -> dict[str, str]:
        """Its environment, where the socket to us has that number."""
        environment = {**self.environment, VARIABLE: str(descriptor)}
        if self.daemon:
            environment[DAEMON] = "1"
        return environment


def launch_of(parent: Any, environment: Mapping[str, str]) -> Launch:
    """How this process was started, by twistd with the options `parent`.

    From a .tac file there are none to be seen, so they are read from the command line.
    """
    refusal = ""
    options = parent
    if parent is None:
        options = ServerOptions()
        try:
            options.parseOptions(sys.argv[1:])
        except (Exception, SystemExit):
            refusal = "it was not started by twistd"
    elif not isinstance(parent, ServerOptions):
        refusal = "it was not started by twistd"
    elif parent["chroot"] is not None:
        refusal = "it runs in a chroot, where there is no Python to start"
    given = {} if refusal.startswith("it was") else options
    pid_file = given.get("pidfile") or ""
    daemon = DAEMON in environment or not (
        given.get("nodaemon", True) or given.get("debug")
    )
    log_file = given.get("logfile") or ("twistd.log" if daemon else "-")
    if given.get("syslog") or given.get("logger") or log_file == "-":
        log_file = ""
    uid, gid = given.get("uid"), given.get("gid")
    flags = list(sys.orig_argv[1 : -len(sys.argv)] if sys.argv else ())
    if flags[-1:] == ["-m"]:
        flags.pop()
    if MODULE in flags:
        flags = flags[: flags.index("-P")]
    return Launch(
        executable=sys.executable,
        arguments=tuple(sys.argv[1:]),
        flags=tuple(flags),
        folder=os.getcwd(),
        environment={k: v for k, v in environment.items() if k != VARIABLE},
        pid_file=os.path.abspath(pid_file) if pid_file else "",
        daemon=daemon,
        guarded=not (daemon or VARIABLE in environment or SYSTEMD in environment),
        log_file=os.path.abspath(log_file) if log_file else "",
        owner=None if uid is None else (uid, -1 if gid is None else gid),
        refusal=refusal,
    )

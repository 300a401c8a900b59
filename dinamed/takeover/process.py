"""How this process came to be, and what follows from that."""

from dataclasses import dataclass
from typing import Any

from dinamed.takeover.launch import Launch
from dinamed.takeover.receiver import TakeoverReceiver


@dataclass(frozen=True)
class Process:
    """How this process came to be."""

    launch: Launch
    twistd: Any
    """The options of twistd, if they are within reach."""
    receiver: TakeoverReceiver | None
    """What there is of the process before this one."""

    @property
    def has_log_file(self) -> bool:
        """Whether twistd writes one, which it begins anew on SIGUSR1."""
        twistd = self.twistd
        if twistd is None or twistd.get("syslog") or twistd.get("logfile") == "-":
            return False
        return bool(twistd.get("logfile")) or not twistd.get("nodaemon")

    @property
    def drops_privileges(self) -> bool:
        """Whether it becomes another user once all is bound."""
        return self.twistd is not None and self.twistd.get("uid") is not None

    def leave_pid_file(self) -> None:
        """Have twistd leave the pid file to the process after this one."""
        if self.twistd is not None:
            self.twistd["pidfile"] = ""

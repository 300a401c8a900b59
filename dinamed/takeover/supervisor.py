"""The supervisor: what stays of a foreground process after a takeover.

Whoever has started it (a shell, a container, procmon) knows it by its process id.  So
it stays there, as little as can be: it passes signals on to the process that answers,
and ends as that one does.  It runs by itself, without the rest of dinamed::

    python -I -S guard.py DESCRIPTOR PID

The descriptor is that of a pipe from which come the ids of further processes, each
before the one that it replaces ends.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

SIGNALS = {
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCHLD,
}
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class Supervisor:
    """Supervises one process, and then the one that replaces it."""

    def __init__(self, descriptor: int, pid: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self.pid = pid
        self._read = b""

    def look(self) -> None:
        """Learn which process it is now."""
        try:
            while data := os.read(self._descriptor, 4096):
                self._read += data
        except BlockingIOError:
            pass
        *lines, self._read = self._read.split(b"\n")
        if lines:
            self.pid = int(lines[-1])

    def pass_on(self, number: int) -> None:
        """Pass a signal on; a process that has gone gets none."""
        self.look()
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def reap(self) -> int | None:
        """Bury who has ended; the status of the process if nobody goes on for it."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return 0
            if not pid:
                return None
            if pid == self.pid:
                self.look()
                if pid == self.pid:
                    return status


def end(status: int) -> NoReturn:
    """End as that status says that another process did."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with suppress(OSError):  # SIGKILL has no other way
            signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)


def become_supervisor(descriptor: int, pid: int) -> None:
    """Turn this process into the supervisor of another one."""
    # What comes until the guard waits for it is not lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    os.set_inheritable(descriptor, True)
    command = [sys.executable, "-I", "-S", __file__, str(descriptor), str(pid)]
    os.execv(sys.executable, command)


def main() -> None:
    """Look after a process until it ends."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    # The children of our children become ours when those end.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    supervisor = Supervisor(int(sys.argv[1]), int(sys.argv[2]))
    while True:
        status = supervisor.reap()
        if status is not None:
            end(status)
        told = signal.sigwaitinfo(SIGNALS)
        # Those of a terminal (from the kernel) go to all of its processes anyway.
        if told.si_signo != signal.SIGCHLD and told.si_code <= 0:
            supervisor.pass_on(told.si_signo)


if __name__ == "__main__":
    main()

"""Ending a command that leads a process group of its own."""

import contextlib
import os
import signal


def kill_group(leader: int, exited: bool) -> None:
    """Kill all that is left of a group; the leader too, unless it has `exited`."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    if not exited:  # perhaps before it could make its group
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(leader, signal.SIGKILL)

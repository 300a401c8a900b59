"""Commands that lead a process group of their own: what they get, and their end."""

import contextlib
import os
import signal
from collections.abc import Mapping

_PASSED_ON = ("PATH", "LANG")
"""Of our environment: the rest may hold what is no business of a check."""


def clean_environment() -> Mapping[str, str]:
    """The environment that commands run with."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def kill_group(leader: int, exited: bool) -> None:
    """Kill all that is left of a group; the leader too, unless it has `exited`."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    if not exited:  # perhaps before it could make its group
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(leader, signal.SIGKILL)

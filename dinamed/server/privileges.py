"""Rights that are given up for good."""

import ctypes
import os

from twisted.application.service import Service
from twisted.logger import Logger

_PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h


class NoNewPrivilegesService(Service):
    """Has neither this process nor what it starts get rights back by a program's.

    It starts after twistd has dropped privileges.
    """

    log = Logger()

    def startService(self) -> None:
        """Give them up; where the system does not know how, that is told."""
        super().startService()
        try:
            give_up_new_privileges()
        except (OSError, AttributeError) as error:
            self.log.warn("new privileges were not given up: {why}", why=str(error))


def give_up_new_privileges() -> None:
    """Set `no_new_privs` of prctl(2).  Raises `OSError`, `AttributeError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

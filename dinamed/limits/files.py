"""Shares of the file limit of the process, for the parts that open many files."""

import resource

CHECKS = 2
STREAMS = 4
WEB = 8
"""The divisors of the shares: together they leave an eighth for everything else."""

_NO_LIMIT = 32768


def files_share(divisor: int, least: int, most: int = _NO_LIMIT) -> int:
    """How many files one of them may hold: the limit over `divisor`, within bounds."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _NO_LIMIT if soft == resource.RLIM_INFINITY else soft
    return max(least, min(most, limit // divisor))

"""The median of the last few samples of a round trip, in few octets.

A sample is kept in one octet, as a step on a scale of ratios: 256 steps lead from 0.1
ms to 10 s, so a step is 4.6 % and what is read back is at most 2.3 % off, which is less
than round trips differ from one minute to the next.  Before the samples stand four
octets with the time of the newest, in whole seconds.
"""

from math import exp, log
from statistics import median

LEAST_MS = 0.1
MOST_MS = 10_000.0
_STEP = log(MOST_MS / LEAST_MS) / 255
_TIME = 4


def with_sample(kept: bytes, ms: float, times: int, at: float, size: int) -> bytes:
    """The state after one more sample in milliseconds, taken at that time.

    The sample counts as though it had come `times` times.  `kept` is b"" for none, and
    `size` how many samples are kept.
    """
    ms = min(MOST_MS, max(LEAST_MS, ms))
    octet = bytes((round(log(ms / LEAST_MS) / _STEP),))
    samples = (kept[_TIME:] + octet * min(times, size))[-size:]
    return max(round(at), when(kept)).to_bytes(_TIME) + samples


def when(kept: bytes) -> int:
    """The time of the newest sample in seconds; 0 where there is none."""
    return int.from_bytes(kept[:_TIME])


def sample_count(kept: bytes) -> int:
    """How many samples there are."""
    return max(0, len(kept) - _TIME)


def median_ms(kept: bytes) -> float:
    """The median in milliseconds; there must be a sample."""
    return LEAST_MS * exp(median(kept[_TIME:]) * _STEP)

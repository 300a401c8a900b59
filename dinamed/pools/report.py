"""A member's report of its load, after it was validated."""

import math
from dataclasses import dataclass

from dinamed.config.values import shown

MAX_AMOUNT = 1e18
"""More than any load or capacity can be, in whatever unit it is counted."""

MAX_AHEAD = 60.0
"""Seconds by which the clock of a member may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Report:
    """The load of a member at one time.  Make one with `make_report`.

    `load` is at least 0, in the unit of the member's capacity; `at` is the Unix time
    for which it holds and `received` when we got it, never before `at`.  `source`
    names the feed.  `capacity` is what the member says of its own (None: nothing),
    `increment` the load that one hand-out adds.  With `out` the member asks not to be
    handed out; its load then says nothing, and is as high as may be.
    """

    load: float
    at: float
    source: str
    received: float
    capacity: float | None = None
    increment: float | None = None
    out: bool = False


def make_report(
    load: object,
    *,
    now: float,
    source: str,
    at: object = None,
    capacity: object = None,
    increment: object = None,
) -> Report:
    """Make a report of what a member has sent, whatever that is.

    `now` is the present Unix time.  `at` may be a little ahead of it, for clocks
    differ, and is then taken to be now; None means now too.

    @raise ValueError: something is not a number, or not one that can be; the message
        says what, in plain words.
    """
    when = now if at is None else _number("at", at, math.inf)
    if when - now > MAX_AHEAD:
        raise ValueError(f"at is {_long(when - now)} in the future")
    room = None if capacity is None else _number("capacity", capacity, MAX_AMOUNT)
    if room == 0:
        raise ValueError("capacity is 0")
    step = None if increment is None else _number("increment", increment, MAX_AMOUNT)
    return Report(
        load=_number("load", load, MAX_AMOUNT),
        at=min(when, now),
        source=source,
        received=now,
        capacity=room,
        increment=step,
    )


def out_report(*, now: float, source: str) -> Report:
    """The report of a member that asks not to be handed out."""
    return Report(MAX_AMOUNT, at=now, source=source, received=now, out=True)


def _number(what: str, value: object, most: float) -> float:
    """`value` if it is a finite number from 0 to `most`; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        got = "nothing" if value is None else shown(value)
        raise ValueError(f"{what} is not a number: {got}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    if math.isnan(number):
        raise ValueError(f"{what} is not a number: NaN")
    if number < 0:
        raise ValueError(f"{what} is negative: {number:g}")
    if math.isinf(number) or number > most:
        raise ValueError(f"{what} is absurdly high: {number:g}")
    return number + 0.0  # -0.0 would be shown


def _long(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 1e6 else f"{seconds:.2g} s"

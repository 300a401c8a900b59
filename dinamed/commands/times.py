"""Points in time as an operator writes them."""

import time
from datetime import datetime, timedelta

from dinamed.config.durations import seconds

FORMS = (
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d",
)
OF_DAY = ("%H:%M", "%H:%M:%S")
EXPECTED = 'a time such as "03:12", "2026-11-27 03:12", "2h" (ago), or a Unix time'
LEAST_UNIX_TIME = 1e9
"""Smaller numbers are none."""


def unix_time(text: str, now: float) -> float:
    """The Unix time that is meant, of the local zone, or of UTC with a `Z` behind.

    A time of day is the last one that was; a duration is so long ago.  Raises
    `ValueError`.
    """
    bare = text.strip().removesuffix("Z").strip()
    local = not text.strip().endswith("Z")
    try:
        number = float(bare)
    except ValueError:
        pass
    else:
        if LEAST_UNIX_TIME <= number < 1e11:
            return number
        raise ValueError(f"{text!r} is not {EXPECTED}")
    for form in FORMS:
        found = _read(bare, form)
        if found is not None:
            return _unix(found, local)
    for form in OF_DAY:
        found = _read(bare, form)
        if found is not None:
            today = datetime(*(time.localtime if local else time.gmtime)(now)[:3])
            then = datetime.combine(today, found.time())
            at = _unix(then, local)
            return at if at <= now else _unix(then - timedelta(days=1), local)
    try:
        return now - seconds(bare)
    except ValueError:
        raise ValueError(f"{text!r} is not {EXPECTED}") from None


def _read(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def _unix(then: datetime, local: bool) -> float:
    if local:
        return time.mktime(then.timetuple())
    return (then - datetime(1970, 1, 1)).total_seconds()

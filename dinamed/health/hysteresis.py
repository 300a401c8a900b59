"""Rise and fall: several results in a row change a target's state, one does not."""

from collections import deque
from typing import NamedTuple

HISTORY = 10  # results that are kept


class CheckRecord(NamedTuple):
    """A result: when the probe ended (seconds of the clock), and how long it took."""

    at: float
    ok: bool
    seconds: float
    reason: str = ""


class Hysteresis:
    """The state of one target under one check.

    `up` is None until there is any result; the first one decides at once, and so
    does the first after `restore`.  After that `rise` successes in a row bring the
    target up, and `fall` failures in a row bring it down.  `reason` is that of the
    last failure since the target was last up without doubt; "" if there was none.
    `lacking` says why the last probe came to nothing, for something of ours; "" if it
    came to something.
    """

    __slots__ = (
        "_decided",
        "_fall",
        "_rise",
        "history",
        "lacking",
        "reason",
        "since",
        "streak",
    )

    def __init__(self, rise: int, fall: int) -> None:
        self._rise = rise
        self._fall = fall
        self._decided: bool | None = None
        self.streak = 0
        self.since: float | None = None
        self.reason = ""
        self.lacking = ""
        self.history: deque[CheckRecord] = deque(maxlen=HISTORY)

    @property
    def up(self) -> bool | None:
        """Whether the target works; None while nothing is known."""
        return self._decided

    @property
    def last(self) -> CheckRecord | None:
        """The latest result."""
        return self.history[-1] if self.history else None

    def take(self, entry: CheckRecord) -> bool:
        """Take a result; whether that changed `up`.

        `streak` counts the results in a row that speak against the present state.
        """
        self.lacking = ""
        first = not self.history
        self.history.append(entry)
        if not entry.ok:
            self.reason = entry.reason
        if entry.ok == self._decided:
            self.streak = 0
            if entry.ok:
                self.reason = ""
            return False
        self.streak += 1
        needed = self._rise if entry.ok else self._fall
        if not first and self.streak < needed:
            return False
        self.streak = 0
        self._decided = entry.ok
        self.since = entry.at
        if entry.ok:
            self.reason = ""
        return True

    def lack(self, reason: str) -> bool:
        """Note that a probe came to nothing; whether that changes what can be said."""
        news = self._decided is None and not self.lacking
        self.lacking = reason
        return news

    def restore(self, up: bool, since: float, reason: str) -> None:
        """Start from a state that was saved, until the first result."""
        if not self.history:
            self._decided, self.since, self.reason = up, since, reason

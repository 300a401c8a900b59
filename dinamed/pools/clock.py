"""A clock that never goes back."""


class SteadyClock:
    """Turns the time of day into seconds since the first reading that never go back.

    When the time of day is set back, the seconds stand still for that one reading and
    go on from there.  When it is set forward they jump, which nobody can tell from a
    long silence.
    """

    __slots__ = ("_ahead", "_latest")

    def __init__(self, now: float) -> None:
        self._ahead = -now
        self._latest = 0.0

    def read(self, now: float) -> float:
        """The seconds at the Unix time `now`."""
        steady = now + self._ahead
        if steady < self._latest:
            self._ahead += self._latest - steady
            return self._latest
        self._latest = steady
        return steady

"""A clock that never goes back."""


class SteadyClock:
    """Turns the time of day into seconds since the first reading that never go back.

    Whoever knows that the time of day was set says so by `step`.  When it goes back
    without a word, the seconds stand still for that one reading and go on from there.
    """

    __slots__ = ("_ahead", "_latest")

    def __init__(self, now: float) -> None:
        self._ahead = -now
        self._latest = 0.0

    def step(self, by: float) -> None:
        """Take note that the time of day was set by so many seconds."""
        self._ahead -= by

    def read(self, now: float) -> float:
        """The seconds at the Unix time `now`."""
        steady = now + self._ahead
        if steady < self._latest:
            self._ahead += self._latest - steady
            return self._latest
        self._latest = steady
        return steady

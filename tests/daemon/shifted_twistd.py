"""twistd at another time of day: ``python shifted_twistd.py FILE ARGUMENTS...``

The file holds by how many seconds the clock is ahead; it may change meanwhile.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path


class ShiftedClock:
    """A clock that is ahead of another one by what a file says.

    The file is looked at each tenth of a second, for clocks are read all the time.
    """

    def __init__(self, clock: Callable[[], float], path: Path) -> None:
        self._clock = clock
        self._path = path
        self._ahead = 0.0
        self._looked = -1.0

    def __call__(self) -> float:
        """Its time in seconds."""
        steady = time.monotonic()
        if steady > self._looked + 0.1:
            self._looked = steady
            self._ahead = float(self._path.read_text())
        return self._clock() + self._ahead


if __name__ == "__main__":
    # Before anything keeps the function for itself.
    time.time = ShiftedClock(time.time, Path(sys.argv.pop(1)))
    from twisted.scripts.twistd import run

    run()

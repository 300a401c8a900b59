"""twistd at another time of day: ``python shifted_twistd.py FILE ARGUMENTS...``

The file holds by how many seconds the clock is ahead; it may change meanwhile.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path


def shifted(clock: Callable[[], float], path: Path) -> Callable[[], float]:
    """A clock that is ahead of another one by what a file says."""
    return lambda: clock() + float(path.read_text())


if __name__ == "__main__":
    # Before anything keeps the function for itself.
    time.time = shifted(time.time, Path(sys.argv.pop(1)))
    from twisted.scripts.twistd import run

    run()

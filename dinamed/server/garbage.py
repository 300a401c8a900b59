"""Keeping the collector of garbage from what is made in bulk, and stays.

Settings, pools and views are trees without cycles.  While a hundred thousand of them
are made the collector looks through all of them again and again, for nothing, and each
full look later would hold up answers for as long.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected(keep: bool = False) -> Iterator[None]:
    """Collect no garbage meanwhile; `keep`: never look at what is there at the end."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if keep:
            gc.freeze()
        if enabled:
            gc.enable()

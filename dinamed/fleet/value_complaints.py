"""What in a fleet's values is not as it should be: counted, and each told once."""

from collections.abc import Callable

from dinamed.config.values import shown
from dinamed.fleet.records import BadRecordError

MOST_COMPLAINTS = 64
"""Different ones that are told at most."""


class ValueComplaints:
    """Those of one server; `bad_values` is how many could not be used.

    `tell` is given each in words.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._told: set[str] = set()
        self.bad_values = 0

    def bad_value(self, source: str, error: BadRecordError) -> None:
        """A value of a server, or of a kind, could not be used."""
        self.bad_values += 1
        self._once(f"a value of {shown(source)} in the fleet is passed over: {error}")

    def not_taken(self, kind: str) -> None:
        """There are values of a kind that this server does not take in."""
        kind = shown(kind)
        self._once(f"the fleet has values of the kind {kind}, not taken in here")

    def _once(self, text: str) -> None:
        if text not in self._told and len(self._told) < MOST_COMPLAINTS:
            self._told.add(text)
            self._tell(text)

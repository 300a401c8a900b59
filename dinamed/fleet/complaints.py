"""What in a fleet's values is not as it should be: counted, and each told once."""

from twisted.logger import Logger

from dinamed.config.values import shown
from dinamed.fleet.records import BadRecordError

MOST_COMPLAINTS = 64
"""Different ones that are told at most."""


class Complaints:
    """Those of one server; `bad_values` is how many could not be used."""

    _log = Logger()

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()
        self.bad_values = 0

    def bad_value(self, source: str, error: BadRecordError) -> None:
        """A value of a server, or of a kind, could not be used."""
        self.bad_values += 1
        if self._is_new(source, str(error)):
            self._log.warn(
                "a value of {source} in the fleet is passed over: {error}",
                source=shown(source),
                error=str(error),
            )

    def not_taken(self, kind: str) -> None:
        """There are values of a kind that this server does not take in."""
        if self._is_new("", kind):
            self._log.info(
                "the fleet has values of the kind {kind}, which are not taken in here",
                kind=shown(kind),
            )

    def _is_new(self, source: str, what: str) -> bool:
        said = source, what
        if said in self._told or len(self._told) >= MOST_COMPLAINTS:
            return False
        self._told.add(said)
        return True

"""How often the log tells of clients that are refused."""

QUIET = 60.0
"""Seconds between two lines about one client."""
MOST = 60
"""Clients that are told of in that time; addresses may be forged."""


class Complaints:
    """Says when a refusal is worth a line: once for each client and minute."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def worth(self, client: str, now: float) -> bool:
        """Whether to tell of this client; then it has been told.  `now` in seconds."""
        told = self._told.get(client)
        if told is not None and 0 <= now - told < QUIET:
            return False
        if len(self._told) >= MOST:
            self._told = {
                one: time for one, time in self._told.items() if 0 <= now - time < QUIET
            }
            if len(self._told) >= MOST:
                return False
        self._told[client] = now
        return True

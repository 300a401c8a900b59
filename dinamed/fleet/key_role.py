"""Which keys each server signs its zones with: told as digests, and compared.

A resolver asks now one and now another server of a zone, so all have to show the same
DNSKEY records.  Private keys are none of the fleet's business.
"""

from collections.abc import Callable, Mapping

from twisted.logger import Logger

from dinamed.fleet.digest_role import DigestRole


class KeyRole(DigestRole):
    """The digests of the keys of all zones that are signed here, by zone."""

    _log = Logger()

    def __init__(self, own: Callable[[], Mapping[str, str]]) -> None:
        super().__init__("keys", own)
        self._logged: set[tuple[str, str]] = set()

    def tick(self) -> None:
        """Tell the log of differences that are new: one may have come to stay."""
        differ = set(self.all_differing())
        for server, zone in sorted(differ - self._logged):
            self._log.warn(
                "{zone} is signed with other keys at {server} than here",
                zone=zone,
                server=server,
            )
        self._logged = differ

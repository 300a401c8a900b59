"""Which keys each server signs its zones with: told as digests, and compared.

A resolver asks now one and now another server of a zone, so all have to show the same
DNSKEY records.  Private keys are none of the fleet's business.
"""

from collections.abc import Callable, Mapping

from twisted.logger import Logger

from dinamed.fleet.records import Codec, KeyDigests
from dinamed.fleet.roles import Sender, Steps, Values, chunk_of, chunks_for

AT_ONCE = 256
"""Zones that are looked through at a stretch."""


class KeyRole:
    """The digests of the keys of all zones that are signed here.

    `own` gives them by zone; equal ones stand for equal sets of keys.
    """

    name = "keys"
    _log = Logger()

    def __init__(self, own: Callable[[], Mapping[str, str]]) -> None:
        self._own = own
        self._codec = Codec(KeyDigests)
        self._heard: dict[str, dict[str, Mapping[str, str]]] = {}
        self._logged: set[tuple[str, str]] = set()
        self._chunks = 1

    def values(self) -> Values:
        """All digests; chunks that have become empty are told as such."""
        found: dict[str, dict[str, str]] = {str(n): {} for n in range(self._chunks)}
        for number, (zone, digest) in enumerate(self._own().items()):
            if number % AT_ONCE == AT_ONCE - 1:
                yield None
            found[chunk_of(zone, self._chunks)][zone] = digest
        octets = 0
        for chunk, zones in found.items():
            data = self._codec.pack(KeyDigests(zones=zones))
            octets += len(data)
            yield chunk, data
        self._chunks = chunks_for(octets, self._chunks)

    def hear(self, sender: Sender, chunk: str, value: bytes) -> Steps:
        """Remember what another server says."""
        told = self._codec.read(value)
        self._heard.setdefault(sender.name, {})[chunk] = told.zones
        yield

    def lost(self, server: str) -> None:
        """What it said is of no use any more."""
        self._heard.pop(server, None)

    def tick(self) -> None:
        """Tell the log of differences that are new: one may have come to stay."""
        own = self._own()
        differ = {(s, zone) for s in self._heard for zone in self._differing(s, own)}
        for server, zone in sorted(differ - self._logged):
            self._log.warn(
                "{zone} is signed with other keys at {server} than here",
                zone=zone,
                server=server,
            )
        self._logged = differ

    def differing(self, server: str) -> tuple[str, ...]:
        """The zones that are signed here and there with different keys, sorted."""
        return self._differing(server, self._own())

    def _differing(self, server: str, own: Mapping[str, str]) -> tuple[str, ...]:
        said = self._heard.get(server, {})
        return tuple(
            sorted(
                zone
                for zones in said.values()
                for zone, digest in zones.items()
                if own.get(zone, digest) != digest
            )
        )

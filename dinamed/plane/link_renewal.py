"""Proofs that the plane has, signed anew on the hour before anybody asks for them."""

from dinamed.dnssec.grid import HOUR
from dinamed.plane.extension import native
from dinamed.plane.signature_install import install_link
from dinamed.plans.engine import Engine
from dinamed.wire.names import WireName

AT_ONCE = 32
"""Proofs that are renewed in one turn: a few milliseconds if they are signed, too."""


class LinkRenewal:
    """Replaces the links of chains whose signatures have had their time.

    Until its turn comes a link stays in use, for its signature is good for days yet.
    """

    def __init__(self, engine: Engine, plane: "native.Plane") -> None:
        self._engine = engine
        self._plane = plane
        self._hour = 0
        self._waiting: list[tuple[WireName, int]] = []
        """Origins of zones, and places in their chains."""

    def go_on(self, now: float) -> None:
        """Renew some, as of this Unix time."""
        hour = int(now) // HOUR
        if hour == self._hour and not self._waiting:
            return
        tables = self._plane.tables
        zones = () if tables is None else tables.zones
        chains = {one.origin: one.chain for one in zones if one.chain is not None}
        if hour != self._hour:
            self._hour = hour
            self._waiting = [
                (origin, place)
                for origin, chain in chains.items()
                for place in chain.lapsed(now)
            ]
        turn, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        online = self._engine.snapshot.online
        for origin, place in turn:
            # Both may have gone since, and others come.
            chain, zone = chains.get(origin), online.get(origin)
            if chain is not None and zone is not None and place < chain.keys.count:
                install_link(self._plane, chain, zone, place)

"""`/api/v1/dnssec`: how zones are signed, and orders about their keys."""

from typing import Literal

import msgspec
from twisted.web.resource import Resource
from twisted.web.server import Request

from dinamed.server.signing import SigningService
from dinamed.server.signing_status import SigningStatus, status_of
from dinamed.server.zone_keys import OrderFault, ZoneKeys
from dinamed.web.guard import Guard
from dinamed.web.resources import Endpoint, HttpError, NoSuchAddress, Subtree, body_of
from dinamed.wire.names import BadName, from_text


class SigningOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /api/v1/dnssec/ZONE`.

    `read`: read the key files again, for some were put there; `make`: make a key;
    `roll`: change the key, with `emergency` at once; `off`: begin to go unsigned;
    `ds-seen`: the parent has what it was asked for; `ask`: ask the parent now.
    """

    order: Literal["read", "make", "roll", "off", "ds-seen", "ask"]
    emergency: bool = False


class DnssecResource(Subtree):
    """`/dnssec` and `/dnssec/ZONE`."""

    def __init__(self, signing: SigningService, guard: Guard) -> None:
        super().__init__()
        self._signing = signing
        self._guard = guard

    def endpoint(self, path: list[str]) -> Resource:
        """What stands at a path below this one."""
        match path:
            case []:
                return Endpoint({b"GET": self.every})
            case [zone]:
                return Endpoint(
                    {b"GET": lambda request: self.one(zone)},
                    {b"POST": lambda request: self.order(zone, request)},
                    self._guard,
                )
            case _:
                return NoSuchAddress()

    def every(self, request: Request) -> tuple[SigningStatus, ...]:
        """All zones that are signed here, or are to be."""
        now = self._signing.seconds()
        return tuple(
            status_of(keys, now) for _, keys in sorted(self._signing.zones.items())
        )

    def one(self, zone: str) -> SigningStatus:
        """One zone.  Raises `HttpError` 404."""
        return status_of(self._keys(zone), self._signing.seconds())

    def order(self, zone: str, request: Request) -> SigningStatus:
        """Carry out an order.  Raises `HttpError` 404, or 422 with the reason."""
        wanted: SigningOrder = body_of(request, SigningOrder)
        keys = self._keys(zone)
        try:
            self._signing.order(keys.zone, wanted.order, wanted.emergency)
        except OrderFault as fault:
            raise HttpError(422, str(fault)) from None
        return self.one(zone)

    def _keys(self, zone: str) -> ZoneKeys:
        try:
            found = self._signing.zones.get(from_text(zone).lower())
        except BadName as error:
            raise HttpError(400, str(error)) from None
        if found is None:
            raise HttpError(404, f"{zone} is not signed here")
        return found

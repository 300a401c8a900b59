"""The part of a server in its fleet, with the kinds of values that need the server."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from dinamed.discovery.service import DiscoveryService
from dinamed.fleet.cookie_role import CookieRole
from dinamed.fleet.key_role import KeyRole
from dinamed.fleet.member_role import MemberRole
from dinamed.fleet.roles import SharedRole
from dinamed.fleet.round_trip_role import RoundTripRole
from dinamed.geo.place import Place
from dinamed.server.authority import Authority
from dinamed.server.fleet import FleetMember
from dinamed.wire.cookies import SECRET_SIZE


def member_of_fleet(
    reactor: Any,
    authority: Authority,
    keys: Callable[[], Mapping[str, str]] = dict,
    discovery: DiscoveryService | None = None,
) -> FleetMember:
    """The part in a fleet of the server that has this authority.

    `keys` gives digests of the keys that it signs with, by zone.
    """
    cookies = CookieRole(
        lambda: authority.cookie_secrets,
        authority.keep_cookies,
        lambda: secrets.token_bytes(SECRET_SIZE),
        authority.seconds,
    )
    shared: list[SharedRole] = [cookies]
    if discovery is not None:
        members = MemberRole(discovery, authority.seconds)
        discovery.given.subscribe(members.given)
        shared.append(members)
    settings = authority.loaded.settings

    def locate(address: bytes) -> Place:
        locator = authority.engine.snapshot.locator
        return locator.locate(address, len(address) * 8).place

    round_trips = RoundTripRole(authority.manager, locate, authority.seconds)
    return FleetMember(
        reactor,
        authority.manager,
        authority.seconds,
        settings.fleet,
        authority.engine.snapshot.identity,
        settings.pools,
        shared,
        KeyRole(keys),
        round_trips,
    )

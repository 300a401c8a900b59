"""Asking servers which DS of a zone its parent has, and which keys they have of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dns.resolver import Resolver as SystemResolver
from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks, succeed
from twisted.names import client, dns, error
from twisted.python.failure import Failure

from dinamed.config.values import host_port
from dinamed.dnssec.keys import judged, tag_of
from dinamed.dnssec.rolling import NO_TTL, ParentView, ServersView
from dinamed.wire.constants import Type
from dinamed.wire.names import ROOT, WireName, parent, to_text

PORT = 53
TIMEOUTS = (2, 4)
"""Seconds for the first and the second try of a question."""
MOST_SERVERS = 26
RESOLV_CONF = "/etc/resolv.conf"

LEAST = 4
"""Octets that both kinds of records have before the digest or the key."""

Shown = tuple[tuple[bytes, ...] | None, int | None]
"""The records that a server shows, None if it gave no answer, and their TTL."""


class _QuietDatagrams(dns.DNSDatagramProtocol):
    noisy = False


class _Asker(client.Resolver):
    """Asks some servers; what it does is not logged."""

    def __init__(self, reactor: Any, servers: Sequence[tuple[str, int]]) -> None:
        super().__init__(servers=list(servers), timeout=TIMEOUTS, reactor=reactor)
        if self.factory is not None:
            self.factory.noisy = False

    def _connectedProtocol(  # noqa: N802
        self, interface: str = ""
    ) -> _QuietDatagrams:
        protocol = _QuietDatagrams(self, reactor=self._reactor)
        self._reactor.listenUDP(0, protocol, interface=interface, maxPacketSize=4096)
        return protocol


class ParentAsker:
    """Finds the servers of parent zones, and asks each of them.

    `resolver` is a twisted.names resolver for finding them; None: the system's.
    """

    def __init__(self, reactor: Any, resolver: Any = None) -> None:
        self._reactor = reactor
        self._resolver = resolver

    def ask(
        self,
        zone: WireName,
        servers: Sequence[str],
        now: float,
        dnskeys: Iterable[bytes] = (),
    ) -> Deferred[ParentView]:
        """The DS records at the parent of a zone; asks `servers`, if any are given.

        `dnskeys` are the keys that digests are compared with.  It never fails: servers
        that give no answer are in the view as such.
        """
        found = succeed(list(servers)) if servers else self._servers(zone)
        found.addErrback(lambda _: [])
        keys = tuple(dnskeys)
        return found.addCallback(lambda known: self._ask_all(zone, known, now, keys))

    def _ask_all(
        self,
        zone: WireName,
        servers: list[str],
        now: float,
        dnskeys: tuple[bytes, ...],
    ) -> Deferred[ParentView]:
        asked = [self._ask_one(zone, one, Type.DS) for one in servers[:MOST_SERVERS]]

        def view(results: list[tuple[bool, Shown]]) -> ParentView:
            shown: dict[str, tuple[int, ...] | None] = {}
            false: set[int] = set()
            for server, (_, (records, _)) in zip(servers, results, strict=False):
                tags = None
                if records is not None:
                    tags, wrong = judged(zone, records, dnskeys)
                    false.update(wrong)
                shown[server] = tags
            ttls = [ttl for _, (_, ttl) in results if ttl is not None]
            ttl = max(ttls, default=NO_TTL)
            return ParentView(now, shown, ttl, false=tuple(sorted(false)))

        return DeferredList(asked).addCallback(view)

    def keys_at(
        self, zone: WireName, servers: Mapping[WireName, Sequence[str]], now: float
    ) -> Deferred[ServersView]:
        """The keys of a zone that its own name servers have.

        The addresses of those whose are not given are looked for.  It never fails.
        """
        known = [address for found in servers.values() for address in found]
        hosts = [_text(host) for host, found in servers.items() if not found]
        addresses: Deferred[list[str]] = self._addresses(hosts)
        addresses.addErrback(lambda _: [])
        return addresses.addCallback(
            lambda found: self._ask_keys(zone, [*known, *found][:MOST_SERVERS], now)
        )

    def _ask_keys(
        self, zone: WireName, servers: list[str], now: float
    ) -> Deferred[ServersView]:
        servers = list(dict.fromkeys(servers))
        asked = [self._ask_one(zone, server, Type.DNSKEY) for server in servers]

        def view(results: list[tuple[bool, Shown]]) -> ServersView:
            shown = [
                None if records is None else tuple(tag_of(one) for one in records)
                for _, (records, _) in results
            ]
            return ServersView(now, dict(zip(servers, shown, strict=True)))

        return DeferredList(asked).addCallback(view)

    def _ask_one(self, zone: WireName, server: str, rrtype: Type) -> Deferred[Shown]:
        host, port = host_port(server)
        asker = _Asker(self._reactor, [(host, port or PORT)])
        query = [dns.Query(to_text(zone).encode(), int(rrtype), dns.IN)]
        answered = asker.queryUDP(query, TIMEOUTS)
        answered.addCallback(
            lambda said: asker.queryTCP(query, TIMEOUTS[-1]) if said.trunc else said
        )
        answered.addErrback(lambda _: asker.queryTCP(query, TIMEOUTS[-1]))
        shown: Deferred[Shown] = answered.addCallbacks(
            lambda said: _shown(zone, said, rrtype), _silent
        )
        return shown

    @inlineCallbacks
    def _servers(self, zone: WireName) -> Any:
        """The addresses of the servers of the zone above this one."""
        resolver = self._system()
        above = zone
        hosts: list[bytes] = []
        while above != ROOT and not hosts:
            above = parent(above)
            try:
                answers, _, _ = yield resolver.lookupNameservers(_text(above))
            except error.DomainError:
                continue
            hosts = [one.payload.name.name for one in answers if one.type == dns.NS]
        return (yield self._addresses(hosts))

    def _system(self) -> Any:
        """The resolver for finding servers.  Raises `OSError` if there is none."""
        if self._resolver is None:
            servers = SystemResolver(RESOLV_CONF).nameservers
            known = [(server, PORT) for server in servers if isinstance(server, str)]
            self._resolver = _Asker(self._reactor, known)
        return self._resolver

    @inlineCallbacks
    def _addresses(self, hosts: Sequence[bytes]) -> Any:
        """All addresses of some hosts, as far as they are found."""
        addresses: list[str] = []
        for host in hosts:
            resolver = self._system()
            for look in (resolver.lookupAddress, resolver.lookupIPV6Address):
                try:
                    answers, _, _ = yield look(host)
                except Exception:  # a name without addresses of a family has none
                    continue
                addresses += [
                    one.payload.dottedQuad()
                    if one.type == dns.A
                    else _ipv6(one.payload.address)
                    for one in answers
                    if one.type in (dns.A, dns.AAAA)
                ]
        return list(dict.fromkeys(addresses))


def _text(name: WireName) -> bytes:
    return b"." if name == ROOT else to_text(name).encode()


def _ipv6(packed: bytes) -> str:
    return str(ipaddress.IPv6Address(packed))


def _shown(zone: WireName, message: Any, rrtype: Type) -> Shown:
    """The data of DS or DNSKEY records in an answer."""
    if message.rCode not in (dns.OK, dns.ENAME) or not message.auth:
        return None, None
    owner = to_text(zone).lower().removesuffix(".").encode()
    found = [
        one
        for one in message.answers
        if one.type == rrtype and one.name.name.lower().rstrip(b".") == owner
    ]
    data = tuple(one.payload.data for one in found if len(one.payload.data) > LEAST)
    return data, max((one.ttl for one in found), default=None)


def _silent(failure: Failure) -> Shown:
    return None, None

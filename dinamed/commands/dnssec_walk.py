"""Checking a signed zone as it is served: its whole chain, and all signatures."""

import time
from dataclasses import dataclass, field

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.query
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.NSEC import NSEC

from dinamed.commands.dnssec_files import FilesFault
from dinamed.config.default import default_path
from dinamed.config.load import load
from dinamed.config.values import host_port

MOST_FAULTS = 100
_TIMEOUT = 5.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_OF_CHAIN = frozenset({dns.rdatatype.NSEC, dns.rdatatype.RRSIG})


class WalkFault(Exception):  # noqa: N818
    """The zone could not be walked; the message says why."""


@dataclass
class Walked:
    """What was found on the way through a chain."""

    names: int = 0
    rrsets: int = 0
    faults: list[str] = field(default_factory=list)


class _Walker:
    def __init__(self, zone: dns.name.Name, server: str, port: int) -> None:
        self.zone = zone
        self.found = Walked()
        self._where = (server, port)
        self._keys: dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset] = {}
        self._now = time.time()

    def walk(self) -> Walked:
        """From the apex to the apex."""
        self._take_keys()
        name = self.zone
        while True:
            nsec = self._nsec(name)
            if nsec is None:
                return self.found
            self.found.names += 1
            self._check_types(name, nsec)
            following = nsec.next
            if following == self.zone:
                return self.found
            if not (following > name and following.is_subdomain(self.zone)):
                self._fault(f"{name}: the next name {following} does not come after it")
                return self.found
            if len(self.found.faults) >= MOST_FAULTS:
                return self.found
            name = following

    def _take_keys(self) -> None:
        reply = self._ask(self.zone, dns.rdatatype.DNSKEY)
        keys = self._find(reply, self.zone, dns.rdatatype.DNSKEY)
        if keys is None:
            raise WalkFault(f"{self.zone} has no DNSKEY: it is not signed")
        self._keys = {self.zone: keys}

    def _nsec(self, name: dns.name.Name) -> NSEC | None:
        reply = self._ask(name, dns.rdatatype.NSEC)
        rrset = self._find(reply, name, dns.rdatatype.NSEC)
        if rrset is None or not self._is_ours(reply, rrset):
            # A cut whose child is served here too, which answers for itself: the name
            # right behind it is denied by the one at the cut.
            behind = dns.name.Name((name.labels[0] + b"\0", *name.labels[1:]))
            reply = self._ask(behind, dns.rdatatype.A)
            rrset = _section_find(reply.authority, name, dns.rdatatype.NSEC)
        if rrset is None:
            self._fault(f"{name}: no NSEC, and so no end of the chain")
            return None
        self._validate(reply, rrset)
        (nsec,) = rrset
        assert isinstance(nsec, NSEC)
        return nsec

    def _is_ours(self, reply: dns.message.Message, rrset: dns.rrset.RRset) -> bool:
        """Whether an answer is signed by this zone, or not at all."""
        signatures = _section_find(
            reply.answer, rrset.name, dns.rdatatype.RRSIG, rrset.rdtype
        )
        return signatures is None or signatures[0].signer == self.zone

    def _check_types(self, name: dns.name.Name, nsec: NSEC) -> None:
        types = _types(nsec) - _OF_CHAIN
        is_cut = dns.rdatatype.NS in types and name != self.zone
        for rrtype in types:
            if is_cut and rrtype != dns.rdatatype.DS:
                continue
            reply = self._ask(name, rrtype)
            rrset = self._find(reply, name, rrtype)
            if rrset is not None:
                self._validate(reply, rrset)
            elif not self._denied(reply):
                self._fault(f"{name} {rrtype.name}: in the bit map, and not there")

    def _denied(self, reply: dns.message.Message) -> bool:
        """Whether an empty answer has an NSEC of its own: a pool has none now."""
        for rrset in reply.authority:
            if rrset.rdtype == dns.rdatatype.NSEC:
                self._validate(reply, rrset)
                return True
        return False

    def _validate(self, reply: dns.message.Message, rrset: dns.rrset.RRset) -> None:
        signatures = None
        for section in (reply.answer, reply.authority):
            signatures = signatures or _section_find(
                section, rrset.name, dns.rdatatype.RRSIG, rrset.rdtype
            )
        what = f"{rrset.name} {rrset.rdtype.name}"
        if signatures is None:
            self._fault(f"{what}: no signature")
            return
        try:
            dns.dnssec.validate(rrset, signatures, self._keys, now=self._now)
        except dns.exception.DNSException as error:
            self._fault(f"{what}: {error}")
        else:
            self.found.rrsets += 1

    def _ask(
        self, name: dns.name.Name, rrtype: dns.rdatatype.RdataType
    ) -> dns.message.Message:
        query = dns.message.make_query(name, rrtype, want_dnssec=True, flags=0)
        server, port = self._where
        try:
            reply = dns.query.udp(query, server, _TIMEOUT, port)
            if reply.flags & dns.flags.TC:
                reply = dns.query.tcp(query, server, _TIMEOUT, port)
        except (OSError, dns.exception.DNSException) as error:
            raise WalkFault(f"{server}:{port}: {error}") from None
        return reply

    @staticmethod
    def _find(
        reply: dns.message.Message,
        name: dns.name.Name,
        rrtype: dns.rdatatype.RdataType,
    ) -> dns.rrset.RRset | None:
        return _section_find(reply.answer, name, rrtype)

    def _fault(self, text: str) -> None:
        self.found.faults.append(text)


def _section_find(
    section: list[dns.rrset.RRset],
    name: dns.name.Name,
    rrtype: dns.rdatatype.RdataType,
    covers: dns.rdatatype.RdataType = dns.rdatatype.NONE,
) -> dns.rrset.RRset | None:
    for rrset in section:
        if rrset.name == name and rrset.rdtype == rrtype and rrset.covers == covers:
            return rrset
    return None


def _types(nsec: NSEC) -> set[dns.rdatatype.RdataType]:
    return {
        dns.rdatatype.RdataType.make(window * 256 + place * 8 + bit)
        for window, bitmap in nsec.windows
        for place, octet in enumerate(bitmap)
        for bit in range(8)
        if octet & (0x80 >> bit)
    }


def walk(config: str | None, zone: str, server: str | None) -> Walked:
    """Walk a zone, as this server has it.  Raises `WalkFault` and `FilesFault`."""
    if server is None:
        loaded = load(config or default_path())
        if loaded.settings is None or not loaded.settings.server.listen:
            raise FilesFault("say where the server is with --server ADDRESS:PORT")
        server = loaded.settings.server.listen[0]
    try:
        host, port = host_port(server)
        name = dns.name.from_text(zone)
    except (ValueError, dns.exception.DNSException) as error:
        raise WalkFault(str(error)) from None
    return _Walker(name, _EVERYWHERE.get(host, host), port or 53).walk()

"""The kinds of plan: what a question means before anybody has asked it."""

from dataclasses import dataclass, field
from enum import IntEnum

from dinamed.dnssec.online import OnlineZone
from dinamed.dnssec.secured import Signed
from dinamed.geo.place import Place
from dinamed.wire.constants import ExtendedError, Rcode, Type
from dinamed.wire.names import WireName
from dinamed.wire.render import EMPTY, Rendered, rdata_record
from dinamed.zones.model import RRset


@dataclass(frozen=True, slots=True)
class Fixed:
    """A reply that is the same for everybody: data, NODATA, NXDOMAIN, refusal."""

    rcode: Rcode
    authoritative: bool
    records: Rendered = EMPTY
    extended_error: ExtendedError | None = None


class Wanted(IntEnum):
    """What a draw puts into the answer; the numbers are the pools' family codes."""

    TEXT = 0
    A = 4
    AAAA = 6


@dataclass(frozen=True, slots=True)
class Signing:
    """What signs an answer that is made for one client."""

    zone: OnlineZone
    owner: WireName
    """The owner that is signed: the wildcard where one stands for the name."""

    @property
    def size(self) -> int:
        """Octets of the RRSIG records of an RRset at the question's name."""
        return self.zone.signer.size

    def records(
        self, owner: bytes, rrtype: int, ttl: int, highest: int, rdatas: list[bytes]
    ) -> list[bytes]:
        """The RRSIG records of an RRset that is sent with `ttl`, never above `highest`.

        `owner` is the name as records write it.
        """
        rrset = RRset(rrtype, highest, tuple(rdatas))
        rrsigs = self.zone.drawn(self.owner, rrset, ttl)
        return [rdata_record(owner, Type.RRSIG, ttl, one) for one in rrsigs]


@dataclass(frozen=True, slots=True)
class PoolAnswer:
    """A reply whose last answer RRset is chosen from a pool."""

    pool: str
    wanted: Wanted
    before: Rendered
    """The alias chain that led to the pool's name."""
    owner: bytes
    """The pool's name as the records write it: a pointer, mostly."""
    empty: Fixed
    """The NODATA reply, for a choice without members."""
    after: Rendered = EMPTY
    """What stands behind the drawn records: that wildcards had to lead there."""
    subnet: bool = True
    """Whether the zone wants clients to be known by their subnet."""
    place: Place | None = None
    """Where to take the client to be: the name was asked with a region's label."""
    signing: Signing | None = None
    """What signs the drawn records, where signatures are wanted."""


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """HTTPS or SVCB records at a pool's name, whose hints are a choice of the pool."""

    pool: str
    rrset: RRset
    """As it stands in the zone file."""
    name: WireName
    """The pool's name in lower case."""
    owner: bytes
    """The same as the records write it."""
    before: Rendered
    """The alias chain that led there."""
    after: Rendered = EMPTY
    """What stands behind the answer: that wildcards had to lead there."""
    subnet: bool = True
    """Whether the zone wants clients to be known by their subnet."""
    signing: Signing | None = None
    """What signs the answer, where signatures are wanted."""


class Topic(IntEnum):
    """The subject of a built-in name."""

    MANAGEMENT = 0
    MEMBERS = 1
    STATUS = 2
    CHAOS_VERSION = 3
    CHAOS_IDENTITY = 4
    COUNTRY = 5


@dataclass(frozen=True, slots=True)
class Synthesized:
    """A TXT reply composed at the moment it is asked for."""

    topic: Topic
    empty: Fixed
    """The reply to other types than TXT."""
    pool: str = ""
    """For `Topic.MEMBERS`."""
    signing: Signing | None = None
    """What signs the reply, where signatures are wanted."""


@dataclass(frozen=True, slots=True)
class AliasChain:
    """A CNAME chain: the records so far, and the name that it has led to."""

    answers: tuple[Signed, ...]
    proofs: tuple[Signed, ...]
    """That wildcards had to stand for the names of some of these."""
    name: WireName
    aliases: int


@dataclass(frozen=True, slots=True, eq=False)
class Targeted:
    """A reply from the label that stands for a name, for this client.

    Once the label is known a plan of another kind follows; `settled` remembers those.
    """

    zone: WireName
    key: bytes
    trail: AliasChain
    empty: Fixed
    """The NODATA reply, where no label has anything to give."""
    tailored: bool
    """Whether the label depends on the client at all."""
    subnet: bool
    """Whether the zone wants clients to be known by their subnet."""
    dnssec_ok: bool = False
    """Whether this is the plan for those who set DO."""
    settled: dict[tuple[bytes, int], "Plan"] = field(default_factory=dict)


Plan = Fixed | PoolAnswer | ServiceAnswer | Synthesized | Targeted

REFUSED = Fixed(Rcode.REFUSED, False, extended_error=ExtendedError.NOT_AUTHORITATIVE)
PROHIBITED = Fixed(Rcode.REFUSED, False, extended_error=ExtendedError.PROHIBITED)
NOT_READY = Fixed(Rcode.SERVFAIL, False, extended_error=ExtendedError.NOT_READY)

"""Small zones and pools, an engine over them, and replies as dnspython reads them."""

import random
import tempfile
from collections.abc import Mapping, Sequence
from ipaddress import ip_network

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from dinamed.config.settings import MemberSettings, PoolSettings, StageSettings, Ttl
from dinamed.dnssec.presigned import all_presigned
from dinamed.plans.context import packed
from dinamed.plans.engine import Engine, Special
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.manager import PoolManager
from dinamed.wire.names import from_text
from dinamed.zones.build import build_zone
from dinamed.zones.packed import PackedZone
from dinamed.zones.zoneset import ZoneSet

HERE = "192.0.2.77"
STARTED = 1_000_000_000.0

HEAD = """\
$TTL 3600
@ IN SOA ns1 hostmaster 1 7200 1800 1209600 300
@ IN NS ns1
ns1 IN A 192.0.2.53
"""


def make_zone(
    origin: str, text: str, names: Mapping[str, str] | None = None
) -> PackedZone:
    """A zone from master file text behind `HEAD`, with names bound to pools."""
    apex = from_text(origin)
    bound = {from_text(owner, apex): pool for owner, pool in (names or {}).items()}
    with tempfile.NamedTemporaryFile("w", suffix=".zone") as stream:
        stream.write(HEAD + text)
        stream.flush()
        built = build_zone(apex, stream.name, bound)
    assert not built.problems, [str(problem) for problem in built.problems]
    return PackedZone(built.packed)


def make_pool(
    name: str,
    *members: MemberSettings,
    select: Sequence[str | StageSettings] = ("weighted",),
    answers: int = 1,
    ttl: int = 60,
    when_down: str = "all",
) -> PoolSettings:
    """The settings of a pool."""
    stages = (StageSettings(one) if isinstance(one, str) else one for one in select)
    return PoolSettings(
        name=name,
        members=members,
        select=tuple(stages),
        answers=answers,
        ttl=Ttl(ttl, ttl),
        when_down=when_down,
    )


def host(name: str, *addresses: str, weight: float = 1.0) -> MemberSettings:
    """A member with these addresses."""
    return MemberSettings(name=name, addresses=addresses, weight=weight)


class Bench:
    """An engine, the manager of its pools, and a clock that stands still."""

    def __init__(
        self,
        zones: Sequence[PackedZone],
        pools: Sequence[PoolSettings] = (),
        identity: str = "ns-test",
        seed: int = 5,
        special: Special | None = None,
    ) -> None:
        self.now = STARTED
        self.manager = PoolManager(pools, self.now)
        self.snapshot = Snapshot(
            zones=ZoneSet({zone.origin: zone for zone in zones}),
            pools=self.manager.views,
            identity=identity,
            management=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
            secured=dict(all_presigned(zones)),
        )
        self.engine = Engine(
            self.snapshot, lambda: self.now, random.Random(seed), special=special
        )
        self.manager.changed.subscribe(self._changed)

    def _changed(self, names: frozenset[str]) -> None:
        pools = self.manager.views
        self.engine.serve(self.engine.snapshot.with_pools(pools))

    def ask(
        self,
        name: str,
        rdtype: str,
        *,
        client: str = HERE,
        stream: bool = False,
        rdclass: str = "IN",
        size: int | None = None,
        options: Sequence[dns.edns.Option] = (),
        do: bool = False,
    ) -> dns.message.Message:
        """The reply to one question; `size` is that of EDNS, None for without."""
        message = query(name, rdtype, rdclass, size, options, do)
        return self.send(message, client, stream)

    def send(
        self, message: dns.message.Message, client: str = HERE, stream: bool = False
    ) -> dns.message.Message:
        """The reply to a message; that it fits, and fits the question, is checked."""
        data = message.to_wire()
        reply = self.engine.respond(data, packed(client), stream)
        assert reply is not None
        if not stream:
            size = message.payload if message.edns >= 0 else 512
            assert len(reply) <= max(512, min(size, 1232))
        question = data[12 : 12 + len(message.question[0].name.to_wire() or b"") + 4]
        assert reply[12 : 12 + len(question)] == question
        parsed = dns.message.from_wire(reply, one_rr_per_rrset=True)
        assert parsed.id == message.id and parsed.flags & dns.flags.QR
        assert (parsed.edns >= 0) == (message.edns >= 0)
        return parsed


def query(
    name: str,
    rdtype: str,
    rdclass: str = "IN",
    size: int | None = None,
    options: Sequence[dns.edns.Option] = (),
    do: bool = False,
) -> dns.message.Message:
    """A query without flags."""
    message = dns.message.make_query(name, rdtype, rdclass, flags=0)
    if size is not None or options or do:
        flags = int(dns.flags.DO) if do else 0
        message.use_edns(0, flags, size or 1232, options=list(options))
    return message


def texts(section: Sequence[object]) -> list[str]:
    """Records as text, `NAME TTL CLASS TYPE DATA`."""
    return [str(record) for record in section]


def data_of(reply: dns.message.Message) -> list[str]:
    """The data of the answer's records."""
    return [record[0].to_text() for record in reply.answer]


def strings_of(reply: dns.message.Message) -> list[str]:
    """The strings of TXT records in the answer."""
    return [b"".join(record[0].strings).decode() for record in reply.answer]


def errors_of(reply: dns.message.Message) -> list[int]:
    """The codes of extended errors (RFC 8914)."""
    return [
        int(option.code)
        for option in reply.options
        if isinstance(option, dns.edns.EDEOption)
    ]


def subnet_of(reply: dns.message.Message) -> str | None:
    """The client subnet of the reply, as ADDRESS/SOURCE/SCOPE."""
    for option in reply.options:
        if isinstance(option, dns.edns.ECSOption):
            return f"{option.address}/{option.srclen}/{option.scopelen}"
    return None


def is_aa(reply: dns.message.Message) -> bool:
    """Whether the reply is authoritative."""
    return bool(reply.flags & dns.flags.AA)


def is_tc(reply: dns.message.Message) -> bool:
    """Whether the reply is truncated."""
    return bool(reply.flags & dns.flags.TC)

"""What signs an answer, and what proves that there is none."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import dns.message
import dns.rdatatype
from dns.rdtypes.ANY.RRSIG import RRSIG

from dinamed.plans.context import QueryContext
from dinamed.plans.executor import Executor
from dinamed.pools.recorder import ListRecorder
from dinamed.wire.edns import Edns
from dinamed.wire.query import Query


def signing_words(engine: Executor, query: Query, source: bytes) -> Iterator[str]:
    """What those get beside the answer who ask with DO; nothing if it is unsigned."""
    zone = engine.snapshot.zones.zone_for(query.question.key)
    if zone is None or zone.origin not in engine.snapshot.secured:
        return
    edns = query.edns or Edns(65535, 0, True)
    asked = query._replace(edns=replace(edns, do=True))
    context = QueryContext(asked, source, True, ListRecorder())
    reply = dns.message.from_wire(engine.execute(engine.plan(asked), context))
    for section in (reply.answer, reply.authority):
        for rrset in section:
            for rdata in rrset:
                if isinstance(rdata, RRSIG):
                    covered = dns.rdatatype.to_text(rdata.type_covered)
                    until = datetime.fromtimestamp(rdata.expiration, UTC)
                    yield (
                        f"{rrset.name} {covered} signed with key {rdata.key_tag} of "
                        f"{rdata.signer} until {until:%Y-%m-%d %H:%M}"
                    )
            if rrset.rdtype == dns.rdatatype.NSEC:
                yield f"denied by {rrset.name} NSEC {rrset[0]}"

"""Exchanges as lines of JSON."""

from datetime import UTC, datetime

import dns.rdataclass
import dns.rdatatype
import msgspec
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from dinamed.geo.place import Place
from dinamed.plans.context import unpacked
from dinamed.pools.pool import PoolView
from dinamed.querylog.exchange_reader import ReadExchange
from dinamed.transfers.incoming import rcode_text
from dinamed.wire.names import to_text

_PLACE_KEYS = ("country", "continent", "region", "network", "asn")


def line(seen: ReadExchange) -> bytes:
    """One object, with its end of line; what is not known is left out."""
    exchange = seen.exchange
    told: dict[str, object] = {
        "time": datetime.fromtimestamp(exchange.time, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "client": unpacked(exchange.source),
    }
    if exchange.port:
        told["port"] = exchange.port
    told["transport"] = "tcp" if exchange.stream else "udp"
    query = seen.query
    if query is not None:
        question = query.question
        told["name"] = to_text(question.name)
        told["class"] = dns.rdataclass.to_text(RdataClass.make(question.class_))
        told["type"] = dns.rdatatype.to_text(RdataType.make(question.type))
        edns = query.edns
        if edns is not None:
            told["edns"] = edns.size
            if edns.do:
                told["do"] = True
            if edns.subnet is not None:
                subnet = edns.subnet
                told["subnet"] = f"{unpacked(subnet.packed)}/{subnet.source}"
    told["rcode"] = rcode_text(seen.rcode)
    told["size"] = len(exchange.reply)
    if exchange.reply[2] & 2:
        told["truncated"] = True
    if seen.zone is not None:
        told["zone"] = to_text(seen.zone)
    if seen.pool is not None:
        told["pool"] = seen.pool.name
        told["members"] = seen.members
        told |= select_fields(seen.pool)
    if seen.scope >= 0:
        told["scope"] = seen.scope
    told |= place_fields(seen.place)
    return msgspec.json.encode(told) + b"\n"


def select_fields(pool: PoolView) -> dict[str, object]:
    """What stands behind the members: the stages, and whether none was usable."""
    chain = pool.chain
    stages = [*(name for name, _ in chain.narrowing), chain.picking[0]]
    return {"select": stages, "down": True} if pool.down else {"select": stages}


def place_fields(place: Place) -> dict[str, object]:
    """What is known of a client's place."""
    values = ((key, getattr(place, key)) for key in _PLACE_KEYS)
    return {key: value for key, value in values if value is not None}

"""The kinds of names and pools that `kinds` measures, and the files that say them."""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from benchmarks.peers import WEIGHTS, ZONE

COUNTRIES = (
    *("DE", "FR", "NL", "SE", "PL", "ES", "IT", "GB", "CZ", "AT", "CH", "BE", "DK"),
    *("FI", "NO", "PT", "GR", "RO", "HU", "UA", "US", "CA", "MX", "BR", "AR", "CL"),
    *("CO", "PE", "JP", "CN", "KR", "IN", "SG", "TH", "VN", "ID", "AU", "NZ", "ZA"),
    *("EG", "KE"),
)
CONTINENTS = ("europe", "north-america", "south-america", "asia", "oceania", "africa")
GEODNS_MEMBERS = 19_800
FAILING = "127.0.1.{}"
"""Nobody listens there."""
DEPTH = 16
PLAIN = "weighted"
"""The kind that the others are compared with."""


class Kind(NamedTuple):
    """What is asked: `label` of example.org, or with a dot at its end a whole name."""

    name: str
    label: str
    rrtype: str = "A"
    chaos: bool = False
    do: bool = False
    below: bool = False
    """Ask for a thousand names below it."""


class World(NamedTuple):
    """What one server has: its files, for its port of DNS, and what it is asked."""

    name: str
    files: Mapping[str, str]
    kinds: tuple[Kind, ...]


_SELECTS = {
    PLAIN: '["weighted"]',
    "robin": '["round-robin"]',
    "hash": '["hash"]',
    "named": '[{ hash = "name" }]',
    "least": '["least"]',
    "best": "[{ best = 3 }]",
    "ahead": '["predictive"]',
    "spill": '["spill"]',
    "everyone": '["all"]',
    "country": '["country", "weighted"]',
    "abroad": '["country", "predictive"]',
    "nearest": '["nearest", "weighted"]',
    "near3": '[{ nearest = 3 }, "weighted"]',
    "network": '["network", "weighted"]',
    "prior": '["priority", "weighted"]',
    "shed": '[{ shed = [0.6, 0.85] }, "weighted"]',
    "shedhash": '[{ shed = [0.6, 0.85] }, "priority", "hash"]',
    "shedding": '["country", { shed = [0.6, 0.85] }, "predictive"]',
}
"""Pools of eight whose select is all that is special."""


def _pool(name: str, select: str = '["weighted"]', more: str = "") -> str:
    """A pool of eight hosts that are in some countries, and tell their loads."""
    text = f"[pools.{name}]\nselect = {select}\n{more}"
    for number, weight in enumerate(WEIGHTS, 1):
        text += (
            f'[[pools.{name}.members]]\nname = "m{number}"\n'
            f'addresses = ["192.0.2.{number}", "2001:db8::{number}"]\n'
            f"weight = {weight}\nload = {0.7 * weight}\n"
            f'country = "{COUNTRIES[number % 4]}"\nlocation = [50, {number}]\n'
            f'network = "net{number % 4}"\npriority = {number % 2 + 1}\n'
        )
    return text


def _inner_pools(name: str, *pools: str, more: str = "") -> str:
    """A pool of pools."""
    text = f"[pools.{name}]\n{more}"
    for pool in pools:
        text += f'[[pools.{name}.members]]\nname = "{pool}"\npool = "{pool}"\n'
    return text


def _hosts(name: str, *addresses: str, hosts: int = 2, more: str = "") -> str:
    """A pool of hosts, each with these addresses, `{}` its number."""
    text = f"[pools.{name}]\n{more}"
    for number in range(1, hosts + 1):
        listed = json.dumps([one.format(number) for one in addresses])
        text += f'[[pools.{name}.members]]\nname = "h{number}"\n'
        text += f"addresses = {listed}\n"
    return text


def _check(pool: str, port: int) -> str:
    """Addresses on which this server listens pass; those are 127.0.0.1 alone."""
    return f'[pools.{pool}.check]\ntype = "tcp"\nport = {port}\ninterval = 1\n'


def _pools(port: int) -> Iterator[str]:
    for name, select in _SELECTS.items():
        yield _pool(name, select)
    yield _pool("two", more="answers = 2\n")
    yield _pool("lively", '["predictive"]', 'ttl = "30-300"\n')
    yield _pool("regional", '["country", "weighted"]', "regions = true\n")
    yield _pool("inhurry", '["round-robin"]', "answers = 3\n")
    yield _hosts("both", "192.0.2.{}", "198.51.100.{}")
    yield _inner_pools("nest0", "weighted", "hash")
    for depth in range(1, DEPTH - 1):
        yield _inner_pools(f"nest{depth}", f"nest{depth - 1}")
    yield _inner_pools("mixed", "country", "ahead", "shed")
    down = 'when_down = "weighted"\n'
    yield _hosts("down", FAILING, more=down) + _check("down", port)
    yield _hosts("lost", FAILING, more='when_down = "all"\n') + _check("lost", port)
    yield _hosts("partly", "127.0.0.{}", FAILING, hosts=1) + _check("partly", port)


_KINDS = (
    Kind(PLAIN, PLAIN),
    Kind("weighted, AAAA", PLAIN, "AAAA"),
    Kind("weighted, 2 answers", "two"),
    Kind("weighted, below a wildcard", "any", below=True),
    Kind("weighted, by a CNAME", "topool"),
    Kind("static", "www"),
    Kind("static, below a wildcard", "wild", below=True),
    Kind("no such name", "missing"),
    Kind("no such type", "www", "MX"),
    Kind("CNAME", "alias"),
    Kind("MX with addresses", "mail", "MX"),
    Kind("SRV with addresses", "srv", "SRV"),
    Kind("NS at the apex", "example.org.", "NS"),
    Kind("SOA", "example.org.", "SOA"),
    Kind("referral", "www.sub"),
    Kind("ANY", "www", "ANY"),
    Kind("not ours", "www.example.com."),
    Kind("round robin", "robin"),
    Kind("round robin, 3 answers", "inhurry"),
    Kind("hash", "hash"),
    Kind("hash by name", "by", below=True),
    Kind("least", "least"),
    Kind("best of 3", "best"),
    Kind("predictive", "ahead"),
    Kind("predictive, TTL 30-300", "lively"),
    Kind("spill", "spill"),
    Kind("all", "everyone"),
    Kind("country, weighted", "country"),
    Kind("country, predictive", "abroad"),
    Kind("nearest, weighted", "nearest"),
    Kind("nearest 3, weighted", "near3"),
    Kind("network, weighted", "network"),
    Kind("priority, weighted", "prior"),
    Kind("shed, weighted", "shed"),
    Kind("shed, priority, hash", "shedhash"),
    Kind("country, shed, predictive", "shedding"),
    Kind("two addresses", "both"),
    Kind("pools in a pool", "nest0"),
    Kind("pools in pools, 16 deep", f"nest{DEPTH - 2}"),
    Kind("pools of three kinds in one", "mixed"),
    Kind("down, another pool stands in", "down"),
    Kind("down, all are given", "lost"),
    Kind("one of two addresses is down", "partly"),
    Kind("a region's name", "regional.fr"),
    Kind("TXT, weighted", PLAIN, "TXT"),
    Kind("TXT, round robin", "robin", "TXT"),
    Kind("TXT, least", "least", "TXT"),
    Kind("TXT, best of 3", "best", "TXT"),
    Kind("TXT, predictive", "ahead", "TXT"),
    Kind("TXT, spill", "spill", "TXT"),
    Kind("TXT, shed", "shed", "TXT"),
    Kind("TXT, hash by name", "by", "TXT", below=True),
    Kind("HTTPS with hints", PLAIN, "HTTPS"),
    Kind("HTTPS with hints, predictive", "ahead", "HTTPS"),
    Kind("HTTPS elsewhere", "www", "HTTPS"),
    Kind("SVCB with hints", "hash", "SVCB"),
    Kind("signed, static", "www.signed.example.", do=True),
    Kind("signed, weighted", "pool.signed.example.", do=True),
    Kind("signed, no such name", "missing.signed.example.", do=True),
    Kind("signed, TXT", "pool.signed.example.", "TXT", do=True),
    Kind("signed, HTTPS with hints", "pool.signed.example.", "HTTPS", do=True),
    Kind("mgmt", "mgmt", "TXT"),
    Kind("POOL.mgmt", "weighted.mgmt", "TXT"),
    Kind("_status", "_status", "TXT"),
    Kind("_country", "_country", "TXT"),
    Kind("version.bind", "version.bind.", "TXT", chaos=True),
    Kind("id.server", "id.server.", "TXT", chaos=True),
    Kind("hostname.bind", "hostname.bind.", "TXT", chaos=True),
)

BUILT_IN = _KINDS[-7:]
"""The names that answer by themselves."""

_RECORDS = """\
*.wild    A 192.0.2.81
alias     CNAME www
topool    CNAME weighted
mail      MX 10 www
srv       SRV 0 5 5060 www
sub       NS ns.sub
ns.sub    A 192.0.2.92
www       HTTPS 1 . alpn=h2
weighted  HTTPS 1 . alpn=h2
ahead     HTTPS 1 . alpn=h2
hash      SVCB 1 . alpn=h2
"""


def kinds_world(dns: int, http: int) -> World:
    """One zone with nearly everything, and one that is signed."""
    pools = list(_pools(dns))
    text = _head(http)
    text += '[zones."example.org"]\nfile = "zone"\n[zones."example.org".names]\n'
    names = [one.split("]", 1)[0].removeprefix("[pools.") for one in pools]
    text += "".join(f'{name} = "{name}"\n' for name in names)
    text += '"*.any" = "weighted"\n"*.by" = "named"\n'
    text += '[zones."signed.example"]\nfile = "signed"\n'
    text += 'dnssec = { parent = ["127.0.0.1:1"] }\n'
    text += '[zones."signed.example".names]\npool = "weighted"\n'
    zone = "$TTL 300\n" + ZONE
    signed = zone.replace("192.0.2.53", "127.0.0.1") + "pool HTTPS 1 . alpn=h2\n"
    files = {
        "dinamed.toml": text + "".join(pools),
        "zone": zone + _RECORDS,
        "signed": signed,
    }
    return World("kinds", files, _KINDS)


def _head(http: int) -> str:
    """The server, and networks of clients in all countries."""
    text = f'[server]\nthreads = 1\nstate = "state"\nhttp = "127.0.0.1:{http}"\n'
    text += '[geo.networks]\n"127.0.0.0/8" = { country = "DE", location = [50, 8] }\n'
    for number, country in enumerate(COUNTRIES):
        text += f'"10.{number}.0.0/16" = {{ country = "{country}", '
        text += f'location = [{number}, {4 * number}], network = "net{number % 4}" }}\n'
    return text


def geodns_world(_: int, http: int) -> World:
    """The shape of the NTP pool's zone, and beside it a plain pool."""
    heads = ("", "0", "1", "2", "3")
    targets = ("", *(one.lower() for one in COUNTRIES), *CONTINENTS)
    labels = [
        ".".join(part for part in (head, target) if part)
        for target in targets
        for head in heads
    ]
    data: dict[str, dict[str, list[list[str]]]] = {label: {} for label in labels}
    for found in data.values():
        found["a"] = []
    for number in range(GEODNS_MEMBERS):
        address = f"172.{16 + number // 65536}.{number // 256 % 256}.{number % 256}"
        data[labels[number % len(labels)]]["a"].append([address, str(1 + number % 99)])
    text = _head(http)
    text += '[zones."example.org"]\nfile = "zone"\n'
    text += f'[zones."example.org".names]\n{PLAIN} = "{PLAIN}"\n'
    text += '[zones."geo.example"]\ngeodns = "geo.json"\n'
    zone = {"ttl": 60, "targeting": "country continent @", "data": data}
    files = {
        "dinamed.toml": text + _pool(PLAIN),
        "zone": "$TTL 300\n" + ZONE,
        "geo.json": json.dumps(zone),
    }
    kinds = (
        Kind(PLAIN, PLAIN),
        Kind("geodns, the root", "geo.example."),
        Kind("geodns, a name of the root", "0.geo.example."),
        Kind("geodns, a country's label", "0.de.geo.example."),
        Kind("geodns, a continent's label", "europe.geo.example."),
        Kind("geodns, no such type", "0.geo.example.", "MX"),
    )
    return World("geodns", files, kinds)


WORLDS = (kinds_world, geodns_world)

"""The typed, frozen form of a config file: what the rest of dinamed is built from.

The classes mirror the tables of the TOML file key by key; `reader` fills them and
reports what does not fit.  Defaults here are the defaults of the manual.

`Meta(extra={"form": f})` passes a value of the right type through `f`, and
`Meta(extra={"read": f})` lets `f` read the value whatever TOML gave; both functions
raise `ValueError` to refuse it.  `{"unit": "seconds"}` marks a number that may be
written as a duration (`"90s"`), `{"file": True}` a path that is made absolute.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dinamed.config import places, values
from dinamed.config.checks import AnyCheck
from dinamed.config.combined import CheckRule
from dinamed.config.discovery import AnyDiscovery
from dinamed.config.dnssec import Dnssec
from dinamed.config.feeds import AnyFeed
from dinamed.config.fleet import FleetSettings
from dinamed.config.limits import Limits
from dinamed.config.places import Country, Geo
from dinamed.config.query_log import QueryLog
from dinamed.config.transfers import (
    CatalogName,
    Grant,
    KeyName,
    KeySettings,
    MayTransfer,
    Peer,
    Primary,
)
from dinamed.config.values import MAX_TTL, FilePath, StageSettings, Ttl
from dinamed.zones.targeting import Targeting

__all__ = [
    "MAX_TTL",
    "CatalogSettings",
    "Grant",
    "KeySettings",
    "MemberSettings",
    "Mgmt",
    "Peer",
    "PoolSettings",
    "Primary",
    "ServerSettings",
    "Settings",
    "StageSettings",
    "Table",
    "Ttl",
    "ZoneSettings",
]

Address = Annotated[str, Meta(extra={"form": values.address})]
Http = Annotated[str, Meta(extra={"form": values.http})]
HostName = Annotated[str, Meta(extra={"form": values.host_name})]
Identity = Annotated[str, Meta(extra={"form": values.identity})]
Listen = Annotated[str, Meta(extra={"form": values.listen})]
MemberName = Annotated[str, Meta(extra={"form": values.member_name})]
Network = Annotated[str, Meta(extra={"form": values.network})]
PoolReference = Annotated[str, Meta(extra={"read": values.pool_reference})]
Prefix = Annotated[str, Meta(extra={"form": values.prefix})]
ReadStage = Annotated[StageSettings, Meta(extra={"read": values.stage})]
ReadTtl = Annotated[Ttl, Meta(extra={"read": values.ttl})]

Amount = Annotated[float, Meta(ge=0, le=1e18)]
Asn = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Count = Annotated[int, Meta(ge=1, le=65535)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Positive = Annotated[float, Meta(gt=0)]
Bias = Annotated[float, Meta(ge=-1e6, le=1e6)]
Priority = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
TargetText = Annotated[str, Meta(extra={"form": places.target})]
Threads = Annotated[int, Meta(ge=0, le=1024)]
Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0, le=1e100)]  # so that no sum of them overflows


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A TOML table."""


Right = Literal["read", "load", "rtt", "orders", "members", "records", "all"]


class TokenSettings(Table, frozen=True, kw_only=True):
    """`[[server.tokens]]`: who holds the token in `file`, and what that allows."""

    name: str
    file: FilePath
    may: tuple[Right, ...]


class ServerSettings(Table, frozen=True, kw_only=True):
    """`[server]`."""

    listen: tuple[Listen, ...] = ()
    http: Http | None = None
    http_tls: bool = False
    http_hosts: tuple[HostName, ...] = ()
    state: FilePath | None = None
    zone_folder: FilePath | None = None
    catalog: CatalogName | None = None
    identity: Identity | None = None
    threads: Threads | Literal["python"] = 0
    token_file: FilePath | None = None
    tokens: tuple[TokenSettings, ...] = ()
    reload: Literal["asked", "watch"] = "asked"
    tls: tuple[Listen, ...] = ()
    freebind: bool = False
    certificate: FilePath | None = None
    key: FilePath | None = None
    cookies: Literal["on", "require", "off"] = "on"
    cookie_secret_file: FilePath | None = None
    client_subnet_from: tuple[Prefix, ...] = ("0.0.0.0/0", "::/0")


class Mgmt(Table, frozen=True, kw_only=True):
    """`[mgmt]`: who may read the members of a pool over DNS (prefixes)."""

    allow: tuple[Prefix, ...] = ("127.0.0.0/8", "::1/128")


class ZoneSettings(Table, frozen=True, kw_only=True):
    """`[zones."NAME"]`: where the static data come from, and the names of pools.

    With `targets` a name followed by a target, `www.europe`, stands for `www` where
    the client is in that target; targets are looked for in that order.  `aliases` are
    names that stand for others of the zone, whatever is asked but NS and SOA.
    `health` is the folder of geodns's status files.

    With `primary` the zone is a secondary one.  `transfer` says who may transfer it,
    `notify` whom to tell of changes, `update` who may change it.  With `dnssec` it is
    signed here.
    """

    name: str
    file: FilePath | None = None
    geodns: FilePath | None = None
    lbnamed: FilePath | None = None
    pgeodns: FilePath | None = None
    health: FilePath | None = None
    primary: tuple[Primary, ...] = ()
    client_subnet: bool = True
    transfer: tuple[MayTransfer, ...] = ()
    notify: tuple[Peer, ...] = ()
    update: tuple[Grant, ...] = ()
    dnssec: Dnssec | None = None
    targets: tuple[TargetText, ...] = ()
    aliases: dict[str, str] = {}
    names: dict[str, PoolReference] = {}


class CatalogSettings(Table, frozen=True, kw_only=True):
    """`[catalogs."NAME"]`: another server's catalog zone, whose members we serve.

    `primary` has `key` wherever it says none itself.  `transfer` and `notify` are those
    of `[zone_defaults]`.
    """

    name: CatalogName
    primary: tuple[Primary, ...] = ()
    key: KeyName | None = None
    transfer: tuple[MayTransfer, ...] = ()
    notify: tuple[Peer, ...] = ()

    def zone(self, name: str) -> ZoneSettings:
        """The settings of the catalog itself, or of a member, with this name."""
        return ZoneSettings(
            name=name,
            primary=self.primary,
            transfer=self.transfer,
            notify=self.notify,
        )


class VotingSettings(Table, frozen=True, kw_only=True):
    """The keys of `[pools.NAME.check]` that say how the votes of servers count.

    A pool has them once, for all its checks.  `vantage_points` are the servers that
    check a member; None: all, at most 5.
    """

    vantage_points: Annotated[int, Meta(ge=1, le=64)] | None = None
    quorum: Annotated[float, Meta(gt=0, le=1)] = 0.5
    min_votes: Annotated[int, Meta(ge=1, le=64)] = 2
    verdict: Literal["all", "region"] = "all"


class MemberSettings(Table, frozen=True, kw_only=True):
    """`[[pools.NAME.members]]`.

    `load` holds until a report comes, and `increment` is what one hand-out adds to it.
    `bias` is in milliseconds, which `spill` adds to what the member costs.  With
    `usable_weight` a member that is a pool weighs what the usable members of that weigh
    together, `weight` times.
    """

    name: MemberName
    addresses: tuple[Address, ...] = ()
    pool: str | None = None
    weight: Weight = 1.0
    usable_weight: bool = False
    capacity: Positive | None = None
    country: Country | None = None
    location: tuple[Latitude, Longitude] | None = None
    network: Network | None = None
    asn: Asn | None = None
    priority: Priority = 1
    load: Amount | None = None
    increment: Amount | None = None
    bias: Bias = 0.0


class PoolSettings(Table, frozen=True, kw_only=True):
    """`[pools.NAME]`."""

    name: str
    ttl: ReadTtl = Ttl(60, 60)
    answers: Count = 1
    select: tuple[ReadStage, ...] = (StageSettings("weighted"),)
    when_down: str = "all"
    healthy_share: Share = 0.0
    regions: bool = False
    check: tuple[AnyCheck, ...] = ()
    check_rule: CheckRule | None = None
    """How the checks come to a verdict; None: all must pass."""
    voting: VotingSettings = VotingSettings()
    load: AnyFeed | None = None
    discover: AnyDiscovery | None = None
    members: tuple[MemberSettings, ...] = ()


class Settings(Table, frozen=True, kw_only=True):
    """A whole config.  Relative paths in it are already made absolute.

    `path` is the file that was named, `files` are those it includes, and `include` are
    the globs by which it does.
    """

    path: str
    files: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    server: ServerSettings = ServerSettings()
    mgmt: Mgmt = Mgmt()
    limits: Limits = Limits()
    query_log: QueryLog = QueryLog()
    fleet: FleetSettings = FleetSettings()
    geo: Geo = Geo()
    keys: tuple[KeySettings, ...] = ()
    dnssec: Dnssec = Dnssec()
    """The defaults for zones that are signed."""
    zones: tuple[ZoneSettings, ...] = ()
    catalogs: tuple[CatalogSettings, ...] = ()
    pools: tuple[PoolSettings, ...] = ()
    targeting: tuple[Targeting, ...] = ()
    """Not of the config file itself, but of the zone files of other programs."""
    cookie_secrets: tuple[str, ...] = ()
    """What `cookie_secret_file` holds, in hexadecimal digits."""

"""The types of the HTTP API's requests and replies."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dinamed.plans.explain import Step


class ErrorMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every reply that is not a success."""

    error: str
    problems: tuple[str, ...] = ()


class ZoneStatus(msgspec.Struct, frozen=True):
    """One zone in `Status`."""

    name: str
    serial: int
    records: int


class Status(msgspec.Struct, frozen=True):
    """`GET /api/v1/status`."""

    version: str
    identity: str
    started: float
    """Unix time."""
    up: float
    """Seconds."""
    questions: int
    failures: int
    """Queries that met an error of ours."""
    connections: int
    """Open streams."""
    engine: str
    """`python`, or `native` when the compiled data plane answers."""
    zones: tuple[ZoneStatus, ...]
    pools: tuple["PoolSummary", ...]


class PoolSummary(msgspec.Struct, frozen=True):
    """One pool in lists."""

    name: str
    down: bool
    """No member is usable: `when_down` decides."""
    usable: int
    members: int
    hand_outs: int


class CheckMessage(msgspec.Struct, frozen=True):
    """What one check says of one address of a member."""

    type: str
    address: str
    up: bool | None
    """None: there is no result yet."""
    since: float | None
    """Unix time."""
    reason: str
    """Why the last run failed; empty if it did not."""


class MemberStatus(msgspec.Struct, frozen=True):
    """One member of a pool."""

    name: str
    state: str
    """`up`, `down` or `drain`: what holds at the moment."""
    order: str
    """What the operator ordered; `auto` if nothing."""
    until: float | None
    """Unix time at which the order ends."""
    reason: str
    """Why the member is not handed out; empty if it is."""
    by: str
    """Who gave the order, if there is one; and why."""
    order_reason: str
    weight_until: float | None
    """Unix time at which an order of another weight ends."""
    addresses: tuple[str, ...]
    addresses_out: dict[str, str]
    """Those that are not handed out because their own checks fail, while the member is
    up; with the reasons."""
    pool: str | None
    weight: float
    capacity: float
    load: float | None
    """As last reported; None if no report counts any more."""
    predicted: float | None
    """The load that the picking stage foresees, if it foresees any."""
    reported: float | None
    """Unix time for which the last report holds."""
    feed_failure: str
    """Why there is no newer report; empty if there is."""
    hand_outs: int
    checks: tuple[CheckMessage, ...]


class PoolStatus(msgspec.Struct, frozen=True):
    """`GET /api/v1/pools/POOL`; members come best first."""

    name: str
    down: bool
    lacking: str
    """What it has not, in words, while it is down; else empty."""
    families_down: tuple[str, ...]
    """`IPv4` or `IPv6`, where nobody's address of that family works."""
    when_down: str
    ttl: int
    answers: int
    select: tuple[str, ...]
    members: tuple[MemberStatus, ...]


class FleetSeen(msgspec.Struct, frozen=True):
    """How far an order has come in the fleet."""

    revision: int | None
    """Of the store; None: the order is here only, or the store can't be had now."""
    seen: int
    """How many of the live servers follow it by now; this one does."""
    servers: int
    """How many are live."""


class OrderReply(MemberStatus, frozen=True, kw_only=True):
    """The member after an order, and what the fleet knows of that."""

    fleet: FleetSeen
    effect: str
    """What becomes of the clients, if the pool has no usable member now."""


class OrderRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`PUT /api/v1/pools/POOL/members/MEMBER`."""

    state: Literal["auto", "up", "down", "drain"]
    duration: Annotated[float, Meta(gt=0, le=315_360_000)] | None = msgspec.field(
        default=None, name="for"
    )
    """Seconds; for good if left out."""
    by: Annotated[str, Meta(max_length=255)] = ""
    """Who gives the order; the token's name or the client's address if left out."""
    reason: Annotated[str, Meta(max_length=1000)] = ""
    here: bool = False
    """Whether it is for this server alone, and not for its fleet."""


class WeightRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`PATCH /api/v1/pools/POOL/members/MEMBER`."""

    weight: Annotated[float, Meta(ge=0, le=1e100)] | None
    """None: the weight of the config again."""
    duration: Annotated[float, Meta(gt=0, le=315_360_000)] | None = msgspec.field(
        default=None, name="for"
    )
    by: Annotated[str, Meta(max_length=255)] = ""
    reason: Annotated[str, Meta(max_length=1000)] = ""
    here: bool = False
    """Whether it is for this server alone, and not for its fleet."""


class PushReply(msgspec.Struct, frozen=True):
    """`POST /api/v1/load`."""

    taken: int
    problems: tuple[str, ...]
    """`INDEX: why` for each report that was not taken."""


class ExplainReply(msgspec.Struct, frozen=True):
    """`GET /api/v1/explain`."""

    name: str
    type: str
    client: str
    steps: tuple[Step, ...]
    rcode: str
    authoritative: bool
    scope: int | None
    answer: tuple[str, ...]
    authority: tuple[str, ...]
    additional: tuple[str, ...]


class ReloadReply(msgspec.Struct, frozen=True):
    """`POST /api/v1/reload`, when the new state is served."""

    serving: str


class ReplaceReply(msgspec.Struct, frozen=True):
    """`POST /api/v1/replace`, when the new process answers."""

    pid: int
    serving: str


class LoadReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """One report of `POST /api/v1/load`."""

    member: str
    load: Annotated[float, Meta(ge=0, le=1e18)]
    capacity: Annotated[float, Meta(gt=0, le=1e18)] | None = None
    increment: Annotated[float, Meta(ge=0, le=1e18)] | None = None
    at: Annotated[float, Meta(ge=0)] | None = None
    """Unix time; now if left out."""
    pool: str | None = None
    """All pools with that member if left out."""


class RoundTrip(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sample of `POST /api/v1/rtt`."""

    pool: str
    member: str
    client: str
    """An address, or a network of at least /24 or /48."""
    rtt: Annotated[float, Meta(gt=0, le=10_000)]
    """Milliseconds."""
    count: Annotated[int, Meta(ge=1)] = 1
    """How many measurements it stands for."""
    at: Annotated[float, Meta(ge=0)] | None = None
    """Unix time; now if left out."""


class LiveMember(msgspec.Struct, frozen=True):
    """One member in a `Tick`; most fields are those of `MemberStatus`."""

    name: str
    state: str
    order: str
    until: float | None
    by: str
    order_reason: str
    kind: str
    """What is the matter with it: one of `dinamed.web.trouble.KINDS`."""
    reason: str
    addresses: tuple[str, ...]
    addresses_out: dict[str, str]
    weight: float
    capacity: float
    load: float | None
    predicted: float | None
    price: float | None
    """Of its room, in milliseconds, where the picking stage sets one."""
    feed_failure: str
    hand_outs: int


class FoundMember(LiveMember, frozen=True, kw_only=True):
    """One member in a `FoundMembers`."""

    pool: str


class FoundMembers(msgspec.Struct, frozen=True):
    """`GET /api/v1/members`: a page of those that were found, the worst first."""

    found: int
    """How many there are in all."""
    counts: dict[str, int]
    """Those that have the words, whatever their kind, by kind."""
    members: tuple[FoundMember, ...]


class FoundZones(msgspec.Struct, frozen=True):
    """`GET /api/v1/zones`: the first of those that were found."""

    found: int
    """How many there are in all."""
    zones: tuple[ZoneStatus, ...]


class BoundName(msgspec.Struct, frozen=True):
    """One name in `GET /api/v1/names`."""

    name: str
    pool: str


class Wrong(msgspec.Struct, frozen=True):
    """Something that an operator should look at."""

    text: str
    pool: str = ""
    """The pool that it is about, if it is about one."""


class LivePool(msgspec.Struct, frozen=True):
    """One pool in a `Tick`."""

    name: str
    down: bool
    lacking: str
    """What it has not, in words, while it is down; else empty."""
    families_down: tuple[str, ...]
    when_down: str
    select: tuple[str, ...]
    usable: int
    size: int
    """How many members there are; a tick may tell of fewer."""
    members: tuple[LiveMember, ...]


class Tick(msgspec.Struct, frozen=True):
    """What `GET /api/v1/live` tells at every step."""

    now: float
    version: str
    identity: str
    up: float
    questions: int
    replies: dict[str, int]
    """Those of some response codes, by their names."""
    failures: int
    connections: int
    zones: int
    countries: tuple[tuple[str, int], ...]
    """Sampled questions by country, most first; the rest has no name."""
    events: int
    """Number of the last event."""
    wrong: tuple[Wrong, ...]
    """The worst first."""
    pools: tuple[LivePool, ...]


class History(msgspec.Struct, frozen=True):
    """What `GET /api/v1/live` tells first: totals of the last minutes."""

    step: float
    """Seconds from one point to the next."""
    points: int
    """The most that there are."""
    questions: tuple[int, ...]
    replies: dict[str, tuple[int, ...]]
    hand_outs: dict[str, dict[str, tuple[int, ...]]]
    """By pool and member."""

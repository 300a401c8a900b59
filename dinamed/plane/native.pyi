"""The types of the extension; `native.pyx` says what each does."""

from collections.abc import Callable, Sequence
from typing import Any

from typing_extensions import Buffer

EDITION: int
ELSEWHERE: int
NOBODY: int
BY_WEIGHT: int
BY_HASH: int
IN_TURN: int
EVERYONE: int
EACH: int
BY_CLIENT: int
BY_PLACE: int
WRAP_AT_16: int
WRAP_AT_96: int
WRAP_INVERTED: int
MOST_DATABASES: int
LOWEST: int
FALLBACK: int
BY_NAME: int
NO_INNER: int
MOST_DRAWN: int
MOST_KEYS: int
MOST_SHED: int
MOST_FORESEEN: int
MOST_LEASES: int
PLAN_FIXED: int
PLAN_POOL: int
PLAN_PUNT: int
PLAN_BY_CLIENT: int
PLAN_SERVICE: int
LOG_DONE: int
LOG_STALE: int
LOG_POOL: int
LOG_PLACE: int
LOG_PYTHON: int
LOG_FAILED: int
LOG_UNREACHABLE: int

HandOutCount = tuple[str, str, int]
ResolverRow = tuple[
    float,
    float,
    float,
    float,
    float,
    int,
    bool,
    list[int],
    list[float],
    float,
    float,
]

class ResolverTable:
    habits: tuple[float, ...]
    capacity: int
    def __init__(
        self, rows: int, buckets: int, salt: int, habits: tuple[float, ...]
    ) -> None: ...
    def sums(self) -> tuple[int, int, float]: ...

class Loads:
    table: ResolverTable
    size: int
    def __init__(
        self, rows: int, size: int, low: float, high: float, table: ResolverTable
    ) -> None: ...
    def take(self) -> list[tuple[int, int, float, float]]: ...
    def take_detours(self) -> tuple[float, float, float]: ...
    def find(self, key: bytes) -> ResolverRow | None: ...
    def ask(self, key: bytes, time: float, horizon: float, lot: int) -> ResolverRow: ...
    def heaviest(
        self, most: int, time: float
    ) -> list[tuple[bytes, float, float, float, int, list[int]]]: ...
    def hear(
        self,
        key: bytes,
        rate: float,
        expires: float,
        gap: float,
        families: int,
        where: list[int],
        time: float,
        horizon: float,
        lot: int,
    ) -> None: ...
    def keep(
        self, key: bytes, expires: float, ttl: float, families: int, where: list[int]
    ) -> None: ...

class LevelTable:
    def __init__(
        self,
        until: float,
        fades: list[float],
        bases: list[float],
        steps: list[float],
        rooms: list[float],
        chances: list[float],
        *,
        mine: float = ...,
        horizon: float = ...,
        duration: float = ...,
        trust: float = ...,
        reference: float = ...,
        price: float = ...,
        start: float = ...,
    ) -> None: ...

class Prefixes:
    def __init__(self, entries: list[tuple[bytes, int, int]]) -> None: ...
    def value(self, address: bytes) -> tuple[int, int]: ...

class RateTable:
    over: int
    slipped: int
    def __init__(
        self,
        rate: float,
        burst: float,
        slip: int,
        exempt: Prefixes,
        secret: bytes,
        rows: int,
        buckets: int = ...,
    ) -> None: ...
    def judge(self, source: bytes, kind: bytes, now: float) -> int: ...

class GeoTrees:
    def __init__(
        self,
        networks: Prefixes,
        wraps: Prefixes,
        databases: list[tuple[Buffer, int, int, bool]],
    ) -> None: ...
    def look_up(
        self, address: bytes, prefix: int, sources_asked: int
    ) -> tuple[tuple[int, ...], int]: ...

class Turns:
    def __init__(self, credits: list[float]) -> None: ...
    def credits(self) -> list[float]: ...

class Route:
    pool: str
    serial: int
    members: tuple[str, ...]
    subs: dict[object, Route]
    loads: Loads | None
    source: Any
    other: Route | None
    kind: int
    def __init__(
        self,
        pool: str,
        kind: int,
        rows: int,
        members: tuple[str, ...] = ...,
        answers: int = ...,
        records: list[bytes] = ...,
        weights: list[float] = ...,
        limits: list[int] = ...,
        aliases: list[int] = ...,
        seeds: list[int] = ...,
        serial: int = ...,
        loads: Loads | None = ...,
        slots: list[int] = ...,
        ranks: list[float] = ...,
        *,
        sheds: bool = ...,
        foresees: bool = ...,
        best: int = ...,
        number: int = ...,
        ttl: int = ...,
        more: int = ...,
        rotates: bool = ...,
        quiet: bool = ...,
        span: int = ...,
        identities: list[int] = ...,
        inner: list[int] = ...,
        fallback: int = ...,
        turns: Turns | None = ...,
        turn_slots: list[int] = ...,
        source: Any = ...,
        records6: list[bytes] = ...,
        other: Route | None = ...,
        share: float = ...,
    ) -> None: ...
    def take_counts(self) -> list[HandOutCount]: ...

class ChainKeys:
    count: int
    def __init__(self, keys: bytes, starts: bytes) -> None: ...

class ChainLinks:
    keys: ChainKeys
    used: int
    def __init__(self, keys: ChainKeys) -> None: ...
    def lapsed(self, now: float) -> list[int]: ...

class ZoneTable:
    def __init__(
        self,
        buffer: Buffer,
        origin: bytes,
        labels: int,
        apex: int,
        depth: int,
        index: int,
        slots: int,
        pools: list[int],
        soa: bytes,
        pointers: list[int],
        special: list[bytes],
        *,
        regions: bytes | None,
        subnet: bool,
        signed: bool,
        keyed: bool,
        left: bool,
        chain: ChainLinks | None = ...,
    ) -> None: ...
    chain: ChainLinks | None
    origin: bytes
    def install_soa(self, rrsig: bytes) -> None: ...

class ZoneRun:
    count: int
    left: list[int]
    def __init__(self, buffers: list[memoryview], *, subnet: bool) -> None: ...

class Tables:
    zones: list[ZoneTable]
    routes: list[Route]
    run: ZoneRun | None
    zone_count: int
    installed: int
    pool_names: list[str]
    def take_replies(self) -> list[tuple[bytes | None, int, int, bool, int]]: ...
    def __init__(
        self,
        zones: list[ZoneTable],
        routes: list[Route],
        rows: int,
        columns: list[int],
        nsid: bytes,
        salt: bytes,
        *,
        subnets: bool,
        run: ZoneRun | None = ...,
        shut: bool = ...,
        secrets: tuple[bytes, ...] = ...,
        required: bool = ...,
        trusted: Prefixes | None = ...,
        managers: Prefixes | None = ...,
        limits: RateTable | None = ...,
        trees: GeoTrees | None = ...,
        keepalive: int = ...,
        slots: int = ...,
    ) -> None: ...

def rows_of(threads: int) -> int: ...

class Plan:
    def __init__(
        self,
        name: bytes,
        rrtype: int,
        do: bool,
        kind: int,
        *,
        rcode: int = ...,
        authoritative: bool = ...,
        error: int = ...,
        counts: tuple[int, int, int] = ...,
        body: bytes = ...,
        route: int = ...,
        subnet: bool = ...,
        before_counts: tuple[int, int, int] = ...,
        before: bytes = ...,
        owner: bytes = ...,
        limited: bytes = ...,
        steps: bytes = ...,
        before_steps: bytes = ...,
        serial: int = ...,
        placed: bool = ...,
        region: int = ...,
        guarded: bool = ...,
        until: float = ...,
        signer: bytes = ...,
        after: bytes = ...,
        after_counts: tuple[int, int, int] = ...,
        chaos: bool = ...,
        ttl: int = ...,
    ) -> None: ...

class Plane:
    threads: int
    tables: Tables | None
    retired: int
    rows: int
    def __init__(self, threads: int, seeds: bytes, wake_descriptor: int) -> None: ...
    def attach(self, thread: int, descriptor: int) -> None: ...
    def run(self, thread: int) -> None: ...
    def stop(self, drain: bool = True) -> None: ...
    def serve(self, tables: Tables) -> None: ...
    def replace(self, slot: int, route: Route) -> None: ...
    def publish(self, route: Route, levels: LevelTable) -> None: ...
    def withdraw(self, route: Route) -> None: ...
    def grow(self, loads: Loads, most: int) -> None: ...
    def set_clock(self, ahead: float) -> None: ...
    def install_plan(self, made: Plan) -> None: ...
    def install_signature(
        self, owner: bytes, rrtype: int, members: list[bytes], record: bytes
    ) -> None: ...
    def install_link(
        self,
        chain: ChainLinks,
        place: int,
        owner: bytes,
        nsec: bytes,
        rrsig: bytes,
        until: int,
    ) -> None: ...
    def install_client_plan(
        self,
        name: bytes,
        rrtype: int,
        do: bool,
        address: bytes,
        prefix: int,
        made: Plan,
        *,
        scope: int = ...,
        sources_asked: int = ...,
    ) -> None: ...
    def install_region(
        self, slot: int, region: int, route: Route, costs: Sequence[float] = ...
    ) -> None: ...
    def forget(self) -> None: ...
    def install_client(
        self,
        slot: int,
        address: bytes,
        prefix: int,
        route: Route,
        scope: int,
        costs: Sequence[float] = ...,
    ) -> None: ...
    def forget_clients(self) -> None: ...
    def install_class(
        self, slot: int, address: bytes, prefix: int, route: Route, sources_asked: int
    ) -> None: ...
    def reclaim(self) -> tuple[list[Route], list[Tables]]: ...
    def take_counts(self) -> list[HandOutCount]: ...
    def take_slice(self, slot: int, most: int) -> tuple[list[HandOutCount], int]: ...
    def answer(
        self,
        data: bytes,
        source: bytes,
        now: float = ...,
        time: float = ...,
        stream: bool = ...,
    ) -> tuple[bytes | None, int]: ...
    def answer_frames(
        self, data: bytes, source: bytes, port: int, now: float, time: float
    ) -> tuple[int, bytes, int]: ...
    def serve_punted(
        self, respond: Callable[[bytes, bytes, int], bytes | None], most: int
    ) -> bool: ...
    def accept_probes(self, probe: bytes) -> None: ...
    def turns(self) -> list[int]: ...
    def set_sampling(self, share: float) -> None: ...
    def set_logging(self, share: float) -> None: ...
    def take_samples(
        self, most: int
    ) -> tuple[list[tuple[float, bytes, int, bool, bytes, bytes]], int]: ...
    def times(self) -> tuple[list[int], float]: ...
    def counters(self) -> dict[str, int]: ...

class PoolText:
    def __init__(
        self,
        name: bytes,
        head: bytes,
        tail: bytes,
        hosts: list[tuple[bytes, bytes, list[bytes]]],
    ) -> None: ...

class LogWriter:
    written: int
    dropped: int
    tables: Tables
    def __init__(
        self,
        plane: Plane,
        octets: list[bytes],
        types: dict[int, bytes],
        rcodes: dict[int, bytes],
    ) -> None: ...
    def bind(
        self, tables: Tables, texts: list[PoolText | None], head: bytes, placed: bool
    ) -> None: ...
    def tell_pool(self, number: int, text: PoolText) -> None: ...
    def tell_place(self, text: bytes) -> None: ...
    def run(
        self, lines: int, frames: int, more_frames: int, seconds: float
    ) -> tuple[int, object]: ...

class Streams:
    plane: Plane
    open: int
    refused: int
    displaced: int
    ended: bool
    def __init__(self, plane: Plane, secret: bytes) -> None: ...
    def limit(self, most: int, per_prefix: int, per_client: int) -> None: ...
    def patience(self, idle: float, total: float) -> None: ...
    def attach(self, thread: int, descriptor: int) -> None: ...
    def run(self, thread: int) -> None: ...
    def finish(self, patience: float) -> None: ...
    def give(self) -> None: ...
    def admit(self, source: bytes, index: int) -> int | None: ...
    def expect(self, port: int) -> Callable[[], None]: ...
    def touch(self, entry: int) -> None: ...
    def leave(self, entry: int) -> None: ...
    def take_displaced(self) -> list[int]: ...
    def adopt(self, thread: int, descriptor: int, read: bytes) -> None: ...
    def take_given(self) -> list[tuple[int, bytes]]: ...
    def serve_punted(
        self, respond: Callable[[bytes, bytes, int], bytes | None], most: int
    ) -> bool: ...

"""What is served: zones, pools and the engine, and how they change."""

import secrets
import socket
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Protocol

from msgspec.structs import replace as replace_fields
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.config.settings import Settings
from dinamed.discovery.targets import Members, with_members
from dinamed.dnssec.online import OnlineZone
from dinamed.geo.files import GeoData, load_geo
from dinamed.plans.context import unpacked
from dinamed.plans.defence import Defence
from dinamed.plans.engine import Engine, Special
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.manager import PoolManager
from dinamed.pools.pool import FAMILIES, PoolView
from dinamed.pools.stages.guarded import StageFailures
from dinamed.pools.stages.registry import load_stages
from dinamed.server.config_loader import Configuration
from dinamed.server.garbage import uncollected
from dinamed.signals import Signal
from dinamed.wire.cookies import SECRET_SIZE
from dinamed.wire.names import WireName
from dinamed.wording import counted
from dinamed.zones.packed import PackedZone

Versions = tuple[Mapping[WireName, PackedZone], frozenset[WireName]]
"""The zones to serve, and those of them that are not ready."""


class ZoneKeeper(Protocol):
    """Says which versions of zones are served."""

    def versions(self, loaded: Configuration) -> Versions:
        """The zones of a config, as they are to be served now."""


Prepared = Callable[
    [Settings, Mapping[WireName, PackedZone]],
    tuple[Mapping[WireName, PackedZone], Mapping[WireName, OnlineZone]],
]
"""From the zones of a config to those to serve, and what signing adds to some."""


def unsigned(
    settings: Settings, zones: Mapping[WireName, PackedZone]
) -> tuple[Mapping[WireName, PackedZone], Mapping[WireName, OnlineZone]]:
    """Nothing is signed here."""
    return zones, {}


class Files:
    """All zones as their files are."""

    def versions(self, loaded: Configuration) -> Versions:
        """The zones as they were read."""
        return loaded.zones, frozenset()


class Authority:
    """Owns the pool manager and the engine, and keeps the two in step.

    `zones` says which versions of zones are served; `special` answers what is about
    whole zones.
    """

    log = Logger()

    def __init__(
        self,
        loaded: Configuration,
        seconds: Callable[[], float],
        rng: Random,
        zones: ZoneKeeper | None = None,
        special: Special | None = None,
    ) -> None:
        self.loaded = loaded
        self._configured = loaded
        """As `loaded`, without the members that were found elsewhere."""
        self._found: Mapping[str, Members] = {}
        self.seconds = seconds
        self._zones = Files() if zones is None else zones
        self._prepared: Prepared = unsigned
        self.stage_failures = StageFailures(self._stage_failed)
        registry = load_stages(failures=self.stage_failures)
        pools, failed = loaded.settings.pools, self._listener_failed
        self.manager = PoolManager(pools, seconds(), registry, failed=failed)
        self.geo = load_geo(loaded.settings.geo)
        self.cookie_secrets: tuple[bytes, ...] = (secrets.token_bytes(SECRET_SIZE),)
        self.engine = Engine(self._snapshot(Defence()), seconds, rng, failed, special)
        self._logged = self.manager.views
        """The states of pools that the log has told of."""
        self.manager.changed.subscribe(self._pools_changed)
        self.served: Signal[[Configuration, Snapshot]] = Signal(failed)
        """There is another snapshot of zones, with the config that it is of."""
        self.applied: Signal[[Settings]] = Signal(failed)
        """There is another config."""

    def keep_cookies(self, held: Sequence[bytes]) -> None:
        """Go on with the cookies of the process before this one, or of the fleet.

        New ones are made with the first of the secrets that are `held`.
        """
        self.cookie_secrets = tuple(held)
        before = self.engine.snapshot.defence
        defence = Defence.of(self.loaded.settings, self.cookie_secrets, before)
        self.engine.serve(self.engine.snapshot.with_defence(defence))

    def take_geo(self, geo: GeoData) -> None:
        """Know clients' places anew, from the next query on."""
        self.geo = geo
        self.engine.serve(self.engine.snapshot.with_locator(geo.locator))

    def apply(self, loaded: Configuration, geo: GeoData) -> None:
        """Serve another state of the config and its zones, from the next query on."""
        self._configured = loaded
        loaded = self._with_found(loaded)
        names = self.manager.reconfigure(loaded.settings.pools, self.seconds())
        self.geo = geo
        self.loaded = loaded
        self.refresh()
        if names:
            self.manager.changed.emit(names)
        self.applied.emit(loaded.settings)

    def take_members(
        self, pool: str, members: Members, leaving: frozenset[str]
    ) -> None:
        """Serve a pool with members that were found, beside those of the config.

        Those that are `leaving` get no new clients, unless an order says so.
        """
        self._found = {**self._found, pool: members}
        self.loaded = self._with_found(self._configured)
        pools = self.loaded.settings.pools
        now = self.seconds()
        with uncollected():
            names = self.manager.reconfigure(pools, now)
            if names:
                self.manager.changed.emit(names)
            self.manager.take_leaving(pool, leaving, now)
            self.applied.emit(self.loaded.settings)

    def _with_found(self, loaded: Configuration) -> Configuration:
        found = self._found
        if not found:
            return loaded
        pools = tuple(
            with_members(pool, found[pool.name]) if pool.name in found else pool
            for pool in loaded.settings.pools
        )
        settings = replace_fields(loaded.settings, pools=pools)
        return replace(loaded, settings=settings)

    def refresh(self) -> None:
        """Serve what the config and the zones say now, from the next query on."""
        self.engine.serve(self._snapshot(self.engine.snapshot.defence))
        self.served.emit(self.loaded, self.engine.snapshot)

    def take_signing(self, prepared: Prepared) -> None:
        """Let `prepared` say what is signed, from the next `refresh` on."""
        self._prepared = prepared

    def summary(self) -> str:
        """A summary of what is served, in a few words."""
        settings = self.loaded.settings
        members = sum(len(pool.members) for pool in settings.pools)
        zones = self.engine.snapshot.zones
        records = zones.records
        return (
            f"{counted(len(zones), 'zone')} with "
            f"{counted(records, 'record')}, {counted(len(settings.pools), 'pool')} "
            f"with {counted(members, 'member')}"
        )

    def clock_set(self, by: float) -> None:
        """Take note that the time of day was set by so many seconds: nothing aged."""
        self.manager.clock.step(by)
        self.engine.clock_set(by)
        self.log.warn(
            "the time of day was set {way} by {seconds:.0f} s",
            way="back" if by < 0 else "forward",
            seconds=abs(by),
        )

    def expire_orders(self) -> None:
        """Lift the operator's orders whose time is over."""
        self.manager.expire(self.seconds())

    def _snapshot(self, before: Defence) -> Snapshot:
        settings = self.loaded.settings
        zones, unready = self._zones.versions(self.loaded)
        zones, online = self._prepared(settings, zones)
        return Snapshot.of(
            settings,
            zones,
            self.manager.views,
            socket.gethostname(),
            self.geo.locator,
            unready,
            online,
            Defence.of(settings, self.cookie_secrets, before),
        )

    def _stage_failed(self, name: str, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        self.log.error(
            "stage {stage} raised {kind}: {error}{where}; it is passed over whenever "
            "it does",
            stage=name,
            kind=type(error).__name__,
            error=str(error),
            where=where,
        )

    def _listener_failed(self, error: Exception) -> None:
        self.log.failure("a change was not taken by all", Failure(error))

    def _pools_changed(self, names: frozenset[str]) -> None:
        before, after = self._logged, self.manager.views
        self._logged = after
        self.engine.serve(self.engine.snapshot.with_pools(after))
        for name in sorted(names & before.keys() & after.keys()):
            old, new = before[name], after[name]
            states = {
                member.name: old.state(member)
                for member in old.members
                if member.inner is not None
                or new.member_states.get(member.name)
                is not old.member_states[member.name]
            }
            for member in new.members:
                if member.name not in states:
                    continue
                state = new.state(member)
                if states.get(member.name, state) is not state:
                    self.log.info(
                        "{pool}/{member}: {state}{why}",
                        pool=name,
                        member=member.name,
                        state=state,
                        why=f", {why}" if (why := new.why_out(member)) else "",
                    )
            self._tell_addresses(old, new)
            rule = new.settings.when_down
            if old.down != new.down:
                self.log.warn(
                    "pool {pool} {what}",
                    pool=name,
                    what=f'has {new.lacking}: when_down = "{rule}"'
                    if new.down
                    else "has usable members again",
                )
            elif not new.down:
                self._tell_families(old, new)

    def _tell_addresses(self, old: PoolView, new: PoolView) -> None:
        """Log which addresses of members that are up are out, or back."""
        before = {
            member.name: old.addresses_out(member)
            for member in old.members
            if old.member_states[member.name].failing
        }
        for member in new.members:
            if member.name not in before and not new.member_states[member.name].failing:
                continue
            was, now = before.get(member.name, {}), new.addresses_out(member)
            for address in sorted(was.keys() ^ now.keys()):
                if new.why_out(member) or address not in member.addresses(0):
                    continue
                self.log.info(
                    "{pool}/{member}: {address} {what}",
                    pool=new.name,
                    member=member.name,
                    address=unpacked(address),
                    what=f"is out, {now[address]}" if address in now else "is back",
                )

    def _tell_families(self, old: PoolView, new: PoolView) -> None:
        """Log for which family nobody of a pool is left, while others are."""
        rule = new.settings.when_down
        for family in FAMILIES:
            if old.is_down(family) != new.is_down(family):
                self.log.warn(
                    "pool {pool} {what}",
                    pool=new.name,
                    what=f'has no usable IPv{family} address: when_down = "{rule}"'
                    if new.is_down(family)
                    else f"has usable IPv{family} addresses again",
                )

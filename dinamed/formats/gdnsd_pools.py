"""gdnsd's resources as pools: static, simplefo, multifo, weighted, metafo, geoip."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import cast

from dinamed.formats.gdnsd_checks import checks_of, words
from dinamed.formats.gdnsd_map import DatacenterMap
from dinamed.formats.migrated import MigratedPool, Migration, Table
from dinamed.formats.vscf import Value

Hash = dict[str, Value]

_PARAMETERS = ("service_types", "up_thresh", "ignore_health", "multi")
_FAMILIES = ("addrs_v4", "addrs_v6")
_UP_THRESH = 0.5
_META = ("metafo", "geoip")


class CannotConvertError(Exception):
    """Nothing could be made of a resource; the message says why."""


class PoolMaker:
    """Makes pools of the resources that zones refer to, each with the TTL it needs."""

    def __init__(self, config: Hash, migration: Migration) -> None:
        self.plugins = cast(dict[str, Hash], config.get("plugins", {}))
        self.types = cast(Hash, config.get("service_types", {}))
        self.migration = migration
        self._made: dict[tuple[str, int], str] = {}
        self._maps: dict[str, DatacenterMap] = {}

    def pool(self, reference: str, ttl: int) -> str:
        """The pool of `PLUGIN!RESOURCE` or `PLUGIN!RESOURCE/DATACENTER`.

        Raises `CannotConvertError`.
        """
        name = self._made.get((reference, ttl))
        if name is None:
            plugin, resource, part = split_reference(reference)
            self._made[reference, ttl] = name = self._make(plugin, resource, part, ttl)
        return name

    def map_of(self, reference: str) -> DatacenterMap | None:
        """The map of places that a resource of geoip goes by; None for others."""
        plugin, resource, part = split_reference(reference)
        if plugin != "geoip" or part:
            return None
        conf = self._meta(plugin, resource)
        name = str(conf.get("map", ""))
        if name not in self._maps:
            maps = cast(dict[str, Hash], self.plugins["geoip"].get("maps", {}))
            if name not in maps:
                raise CannotConvertError(f'there is no map "{name}"')
            self._maps[name] = DatacenterMap(maps[name])
        return self._maps[name]

    def ordered(self, reference: str, order: tuple[str, ...], ttl: int) -> str:
        """The pool of a resource of geoip for one order of its datacenters."""
        key = (f"{reference}:{','.join(order)}", ttl)
        if key not in self._made:
            plugin, resource, _ = split_reference(reference)
            known = [dc for dc in order if dc in self._dcmap(plugin, resource)]
            if not known:
                raise CannotConvertError(f"{reference}: no datacenter for a place")
            wanted = f"{resource}-{'-'.join(known)}"
            table = self._failover(plugin, resource, known, ttl)
            self._made[key] = self._add(wanted, table, [])
        return self._made[key]

    def _make(self, plugin: str, resource: str, part: str, ttl: int) -> str:
        notes: list[str] = []
        if plugin in _META and part:
            return self._datacenter(plugin, resource, part, ttl)
        if plugin == "metafo":
            order = words(self._meta(plugin, resource).get("datacenters", []))
            return self._add(
                resource, self._failover(plugin, resource, order, ttl), notes
            )
        if plugin == "geoip":
            return self._geoip(resource, ttl)
        conf = self.plugins.get(plugin, {}).get(resource)
        if conf is None:
            raise CannotConvertError(f'there is no resource "{resource}" of {plugin}')
        return self._plain(plugin, resource, self._inherited(plugin, conf), ttl)

    def _plain(self, plugin: str, wanted: str, conf: Hash, ttl: int) -> str:
        """A pool of addresses."""
        notes: list[str] = []
        match plugin:
            case "static":
                table = self._static(conf)
            case "simplefo":
                table = self._simplefo(conf)
            case "multifo":
                table = self._multifo(conf, notes)
            case "weighted":
                table = self._weighted(wanted, conf, ttl, notes)
            case _:
                raise CannotConvertError(f"plugin {plugin} has no equivalent")
        checks = self._checks(conf, notes)
        if checks:
            table["check"] = checks[0] if len(checks) == 1 else checks
        return self._add(wanted, {"ttl": ttl, **table}, notes)

    def _add(self, wanted: str, table: Table, notes: list[str]) -> str:
        name = self.migration.free_name(wanted)
        self.migration.pools[name] = MigratedPool(table, notes)
        return name

    def _inherited(self, plugin: str, conf: Value) -> Hash:
        """A resource with what it inherits from its plugin; an array is labelled."""
        above = self.plugins.get(plugin, {})
        given = {key: above[key] for key in _PARAMETERS if key in above}
        if isinstance(conf, dict):
            return {**given, **conf}
        return {**given, **{str(n): one for n, one in enumerate(words(conf), 1)}}

    def _checks(self, conf: Hash, notes: list[str]) -> list[Table]:
        names = words(conf.get("service_types", "default"))
        for family in _FAMILIES:
            own = conf.get(family)
            if not isinstance(own, dict) or "service_types" not in own:
                continue
            if "service_types" in conf and own["service_types"] != names:
                notes.append(
                    f"{family} has service types of its own: one list is taken"
                )
            names = words(own["service_types"])
        return checks_of(names, self.types, notes)

    # Plugins whose resources are addresses

    def _static(self, conf: Hash) -> Table:
        return {"select": ["all"], "members": _members(dict(_items(conf)))}

    def _simplefo(self, conf: Hash) -> Table:
        members = _members(dict(_items(conf)))
        order = {"primary": 1, "secondary": 2}
        for member in members:
            member["priority"] = order.get(str(member["name"]), 1)
        return {"select": ["priority", "all"], "members": members}

    def _multifo(self, conf: Hash, notes: list[str]) -> Table:
        if str(conf.get("ignore_health", "false")) == "true":
            notes.append("ignore_health: members that are down are left out here")
        return {
            "select": ["all"],
            "healthy_share": _threshold(conf, notes),
            "members": _members(dict(_items(conf))),
        }

    def _weighted(self, wanted: str, conf: Hash, ttl: int, notes: list[str]) -> Table:
        multi = str(conf.get("multi", "false")) == "true"
        items = dict(_items(conf))
        least = {"healthy_share": _threshold(conf, notes)}
        if not any(
            isinstance(one, dict) for values in items.values() for one in values
        ):
            members = _weighted_members(items)
            return {**_select(multi, members), **least, "members": members}
        groups: list[Table] = []
        for label, values in items.items():
            inner = _weighted_members(
                dict(
                    _items(
                        cast(
                            Hash,
                            {
                                k: v
                                for one in values
                                for k, v in cast(Hash, one).items()
                            },
                        )
                    )
                )
            )
            table = {"ttl": ttl, **_select(not multi, inner), "members": inner}
            checks = self._checks(conf, notes)
            if checks:
                table["check"] = checks[0] if len(checks) == 1 else checks
            pool = self._add(f"{wanted}-{label}", table, [])
            groups.append({"name": label, "pool": pool, "usable_weight": True})
        return {**_select(multi, groups), **least, "members": groups}

    # Plugins whose resources are datacenters

    def _meta(self, plugin: str, resource: str) -> Hash:
        above = self.plugins.get(plugin, {})
        resources = cast(dict[str, Hash], above.get("resources", {}))
        if resource not in resources:
            raise CannotConvertError(f'there is no resource "{resource}" of {plugin}')
        given = {key: value for key, value in above.items() if key in _PARAMETERS}
        return {**given, **resources[resource]}

    def _dcmap(self, plugin: str, resource: str) -> Hash:
        return cast(Hash, self._meta(plugin, resource).get("dcmap", {}))

    def _failover(
        self, plugin: str, resource: str, order: list[str], ttl: int
    ) -> Table:
        members = [
            {
                "name": dc,
                "pool": self._datacenter(plugin, resource, dc, ttl),
                "priority": place,
            }
            for place, dc in enumerate(order, 1)
        ]
        if str(self._meta(plugin, resource).get("skip_first", "false")) == "true":
            members = members[1:] or members
        return {"ttl": ttl, "select": ["priority", "all"], "members": members}

    def _geoip(self, resource: str, ttl: int) -> str:
        """The pool for those of whom nothing is known, or by distance."""
        reference = f"geoip!{resource}"
        places = self.map_of(reference)
        assert places is not None
        if not places.coordinates:
            return self.ordered(reference, places.default, ttl)
        members = [
            {
                "name": dc,
                "pool": self._datacenter("geoip", resource, dc, ttl),
                "location": list(location),
            }
            for dc, location in places.coordinates.items()
            if dc in self._dcmap("geoip", resource)
        ]
        table: Table = {"ttl": ttl, "select": ["nearest", "all"], "members": members}
        return self._add(resource, table, [])

    def _datacenter(self, plugin: str, resource: str, dc: str, ttl: int) -> str:
        key = (f"{plugin}!{resource}/{dc}", ttl)
        if key in self._made:
            return self._made[key]
        value = self._dcmap(plugin, resource).get(dc)
        if value is None:
            raise CannotConvertError(f"{plugin}!{resource} has no datacenter {dc}")
        if isinstance(value, str) and value[:1] in "%!":
            reference = value[1:] if value[0] == "%" else f"{plugin}{value}"
            name = self.pool(reference, ttl)
        elif isinstance(value, str) and not _is_address(value):
            raise CannotConvertError(
                f"{plugin}!{resource}/{dc} is the name {value}: members have addresses"
            )
        else:
            conf = self._meta(plugin, resource)
            given = {key: conf[key] for key in _PARAMETERS if key in conf}
            own = (
                value
                if isinstance(value, dict)
                else dict((str(n), one) for n, one in enumerate(words(value), 1))
            )
            kind = str(own.get("plugin", "multifo")) if isinstance(own, dict) else ""
            own = {key: one for key, one in own.items() if key != "plugin"}
            name = self._plain(kind, f"{resource}-{dc}", {**given, **own}, ttl)
        self._made[key] = name
        return name


def split_reference(text: str) -> tuple[str, str, str]:
    """`PLUGIN!RESOURCE/DATACENTER`, the last of which may be missing."""
    plugin, _, rest = text.partition("!")
    resource, _, part = rest.partition("/")
    return plugin, resource, part


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _items(conf: Hash) -> Iterator[tuple[str, list[Value]]]:
    """Labels and what stands behind them, those of both families together."""
    found: dict[str, list[Value]] = {}
    stanzas = [conf[family] for family in _FAMILIES if family in conf] or [conf]
    for stanza in stanzas:
        if not isinstance(stanza, dict):
            stanza = {str(n): one for n, one in enumerate(words(stanza), 1)}
        for label, value in stanza.items():
            if label not in _PARAMETERS and label not in _FAMILIES:
                found.setdefault(label, []).append(value)
    yield from found.items()


def _members(items: Mapping[str, list[Value]]) -> list[Table]:
    members: list[Table] = []
    for label, values in items.items():
        addresses = [address for value in values for address in words(value)]
        for address in addresses:
            if not _is_address(address):
                raise CannotConvertError(f"{address} is a name: members have addresses")
        # One member has one address of a family here, as each has a state of its own.
        members.append({"name": label, "addresses": addresses})
    return members


def _weighted_members(items: Mapping[str, list[Value]]) -> list[Table]:
    members: list[Table] = []
    for label, values in items.items():
        pairs = [words(value) for value in values]
        (member,) = _members({label: [pair[0] for pair in pairs]})
        members.append({**member, "weight": float(pairs[0][1])})
    return members


def _select(multi: bool, members: list[Table]) -> Table:
    if not multi:
        return {"select": ["weighted"]}
    weights = {member.get("weight") for member in members}
    by_pool = any("usable_weight" in member for member in members)
    return {"select": ["each" if by_pool or len(weights) > 1 else "all"]}


def _threshold(conf: Hash, notes: list[str]) -> float:
    found = [
        float(str(stanza["up_thresh"]))
        for stanza in (*(conf.get(family) for family in _FAMILIES), conf)
        if isinstance(stanza, dict) and "up_thresh" in stanza
    ]
    if len(set(found)) > 1:
        notes.append(f"up_thresh differs by family; {found[0]:g} is taken for both")
    return found[0] if found else _UP_THRESH

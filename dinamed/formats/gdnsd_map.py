"""A map of gdnsd's geoip plugin: which datacenters, in which order, for which place."""

from collections.abc import Iterator
from typing import cast

from dinamed.formats.gdnsd_checks import words
from dinamed.formats.vscf import Value
from dinamed.geo.countries import CONTINENT_CODES

TARGETS = ["region", "country", "continent", "@"]
_DEFAULT = "default"
_AUTO = "auto"

Order = tuple[str, ...]


class DatacenterMap:
    """One map.

    `default` is the order of those of whom nothing is known, `orders` that of places
    by the target that stands for them here (`de`, `europe`, `us-ca`).  With
    `coordinates` the order goes by distance.
    """

    def __init__(self, conf: dict[str, Value]) -> None:
        self.notes: list[str] = []
        places = conf.get("map", {})
        datacenters = tuple(words(conf.get("datacenters", [])))
        self.orders: dict[str, Order] = {}
        self.default = datacenters
        self.databases = [
            str(conf[key]) for key in ("geoip2_db", "geoip_db") if key in conf
        ]
        self.coordinates = {
            dc: tuple(float(part) for part in words(where))
            for dc, where in cast(
                dict[str, Value], conf.get("auto_dc_coords", {})
            ).items()
        }
        if isinstance(places, dict):
            self._read(places)
        if self.coordinates and self.orders:
            self.notes.append("orders of single places beside auto_dc_coords: left out")
            self.orders = {}
        self.networks = dict(self._networks(conf.get("nets", {})))

    def _read(self, places: dict[str, Value]) -> None:
        for code, value in places.items():
            if code == _DEFAULT:
                self.default = self._order(value) or self.default
                continue
            target = CONTINENT_CODES.get(code)
            if target is None:
                self.notes.append(f"{code} is no continent: left out")
            elif isinstance(value, dict):
                self._countries(target, value)
            else:
                self._set(target, value)

    def _countries(self, continent: str, places: dict[str, Value]) -> None:
        for code, value in places.items():
            if code == _DEFAULT:
                self._set(continent, value)
            elif isinstance(value, dict):
                self._regions(code.lower(), value)
            else:
                self._set(code.lower(), value)

    def _regions(self, country: str, places: dict[str, Value]) -> None:
        for code, value in places.items():
            if code == _DEFAULT:
                self._set(country, value)
            elif isinstance(value, dict) or len(code) > 3:
                self.notes.append(
                    f"{country} {code}: no finer place than a region here"
                )
            else:
                self._set(f"{country}-{code.lower()}", value)

    def _set(self, target: str, value: Value) -> None:
        order = self._order(value)
        if order:
            self.orders[target] = order
        elif value == []:
            self.notes.append(
                f"{target}: no answer there can't be said; the default is"
            )

    @staticmethod
    def _order(value: Value) -> Order:
        return () if value == _AUTO else tuple(words(value))

    def _networks(self, nets: Value) -> Iterator[tuple[str, str]]:
        """Prefixes, and the target whose order is theirs."""
        if not isinstance(nets, dict):
            self.notes.append(f"nets in the file {nets}: left out")
            return
        by_order = {order: target for target, order in self.orders.items()}
        for prefix, value in nets.items():
            target = by_order.get(tuple(words(value)))
            if target is not None:
                yield prefix, target
            elif tuple(words(value)) != self.default:
                self.notes.append(f"nets {prefix}: no place has this order; left out")

"""Keys of signed zones from the files of a config, without a running server."""

import json
import os
from collections.abc import Sequence

import msgspec

from dinamed.config.default import default_path
from dinamed.config.load import load
from dinamed.config.settings import Settings, ZoneSettings
from dinamed.config.zone_rules import origin
from dinamed.dnssec.key_files import (
    private_text,
    public_text,
    read_pair,
    read_pkcs8,
)
from dinamed.dnssec.keys import CSK_FLAGS, Key, KeyFault, collides
from dinamed.dnssec.rolling import ZoneState
from dinamed.server.key_folder import KeyFolder, read_key
from dinamed.server.zone_keys import OrderFault, ZoneKeys
from dinamed.wire.names import BadName, from_text, to_text


class FilesFault(Exception):  # noqa: N818
    """The files do not allow what was asked; the message says why."""


def _settings(config: str | None) -> Settings:
    path = config or default_path()
    loaded = load(path)
    if loaded.settings is None:
        problems = "\n".join(map(str, loaded.problems))
        raise FilesFault(f"{problems}\nthe config is not usable")
    return loaded.settings


def zones_of(config: str | None) -> list[str]:
    """The names of the zones that are signed.  Raises `FilesFault`."""
    zones = _settings(config).zones
    return [to_text(origin(zone)) for zone in zones if zone.dnssec is not None]


def _zone(settings: Settings, name: str) -> ZoneSettings:
    try:
        apex = from_text(name).lower()
    except BadName as error:
        raise FilesFault(f"{name!r}: {error}") from None
    for zone in settings.zones:
        if origin(zone) == apex:
            return zone
    if apex in settings.file_zones.origins:
        return settings.file_zones.zone(settings.file_zones.origins.index(apex))
    raise FilesFault(f"the config has no zone {name!r}")


def zone_keys(config: str | None, name: str) -> ZoneKeys:
    """The keys of a zone as they are on disk; none are made.  Raises `FilesFault`."""
    settings = _settings(config)
    zone = _zone(settings, name)
    if zone.dnssec is None:
        raise FilesFault(f"{name} is not signed: `dnssec = true` is not in its table")
    apex = origin(zone)
    folder = KeyFolder(apex, zone.dnssec.keys, settings.server.state)
    keys = ZoneKeys(apex, zone.dnssec, folder)
    keys.look()
    return keys


def order_here(keys: ZoneKeys, order: str, emergency: bool, now: float) -> None:
    """Carry out an order on the files.  Raises `FilesFault`."""
    try:
        if order == "make":
            keys.make(now)
            if keys.state is None:
                raise FilesFault(keys.problem)
        elif order == "roll":
            keys.roll(now, emergency)
        elif order == "off":
            keys.off(now)
        else:
            keys.ds_seen(now)
    except OrderFault as fault:
        raise FilesFault(str(fault)) from None


def bundle_of(keys: ZoneKeys) -> str:
    """All keys of a zone and its state, for `import`.  Raises `FilesFault`."""
    if not keys.held.keys:
        raise FilesFault(keys.problem or "there is no key")
    pairs = [
        {
            "public": public_text(key, {"Created": keys.held.created[label]}),
            "private": private_text(key, {"Created": keys.held.created[label]}),
        }
        for label, key in sorted(keys.held.keys.items())
    ]
    state = keys.state or ZoneState()
    told = {
        "zone": to_text(keys.zone),
        "keys": pairs,
        "state": msgspec.to_builtins(state),
    }
    return json.dumps(told, indent=1)


def import_keys(
    keys: ZoneKeys, files: Sequence[str], stdin: bytes | None, now: float
) -> list[str]:
    """Take keys into the folder of a zone; their labels.  Raises `FilesFault`.

    In a zone without keys they are the keys from now on; where there are some, what is
    imported waits for a roll to it.
    """
    found: list[tuple[Key, float]] = []
    state: ZoneState | None = None
    try:
        for file in files:
            if file.endswith(".private") or file.endswith(".key"):
                key, times = read_key(f"{os.path.splitext(file)[0]}.private")
                found.append((key, times.get("Created", now)))
                continue
            with open(file, "rb") as opened:
                more, told = _read(keys, opened.read())
            found += more
            state = told or state
        if stdin is not None:
            more, state = _read(keys, stdin)
            found += more
        return _take(keys, found, state, now)
    except (KeyFault, OrderFault) as fault:
        raise FilesFault(str(fault)) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise FilesFault(f"{where}{error.strerror}") from None


def _read(
    keys: ZoneKeys, data: bytes
) -> tuple[list[tuple[Key, float]], ZoneState | None]:
    """Keys in PEM or DER, or in what `export` has printed."""
    if not data.lstrip().startswith(b"{"):
        return [(read_pkcs8(keys.zone, data, CSK_FLAGS, None), 0.0)], None
    try:
        told = json.loads(data)
        pairs = [read_pair(one["public"], one["private"]) for one in told["keys"]]
        state = msgspec.convert(told["state"], ZoneState)
    except KeyFault:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise KeyFault(f"this is not what export prints: {error}") from None
    return [(key, times.get("Created", 0.0)) for key, times in pairs], state


def _take(
    keys: ZoneKeys,
    found: list[tuple[Key, float]],
    state: ZoneState | None,
    now: float,
) -> list[str]:
    for key, _ in found:
        if key.zone != keys.zone:
            raise KeyFault(f"a key of {to_text(key.zone)}")
        tags = [one.tag for label, one in keys.held.keys.items() if label != key.label]
        if collides(key.tag, tags):
            raise KeyFault(f"its tag {key.tag} collides with that of another key")
    labels = [keys.take(key, created or now) for key, created in found]
    if not labels:
        raise KeyFault("there was no key")
    keys.adopt(labels, state, now)
    return labels

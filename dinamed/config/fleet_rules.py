"""What must hold of `[fleet]` beyond the types of its keys."""

import os

from msgspec.structs import replace

from dinamed.config.fleet import FleetSettings
from dinamed.config.reader import Reader
from dinamed.config.secrets import secret_file

LEAST_LEASE = 3
"""Intervals that a lease lasts at least."""


def read_fleet(reader: Reader, raw: object) -> FleetSettings | None:
    """Read `[fleet]`; report all that does not hold."""
    if isinstance(raw, dict) and "password" in raw:
        reader.report(("fleet", "password"), "give it as password_file")
        raw = {key: value for key, value in raw.items() if key != "password"}
    fleet = reader.table(FleetSettings, raw, ("fleet",))
    if fleet is None or not raw:
        return fleet
    if fleet.engine is None and reader.intact(("fleet", "engine")):
        reader.report(("fleet", "engine"), 'a fleet needs engine = "etcd"')
    if not fleet.endpoints and reader.intact(("fleet", "endpoints")):
        reader.report(("fleet", "endpoints"), "a fleet needs an endpoint at least")
    if fleet.lease < LEAST_LEASE * fleet.interval and reader.intact(("fleet", "lease")):
        message = f"must be {LEAST_LEASE} intervals at least"
        reader.report(("fleet", "lease"), message)
    if (fleet.user is None) != (fleet.password_file is None):
        missing = "user" if fleet.user is None else "password_file"
        reader.report(("fleet", missing), "user and password_file go together")
    if (fleet.certificate is None) != (fleet.key is None):
        missing = "certificate" if fleet.certificate is None else "key"
        reader.report(("fleet", missing), "certificate and key go together")
    for key in ("ca", "certificate", "key"):
        file = getattr(fleet, key)
        if file is not None and not os.access(file, os.R_OK):
            reader.report(("fleet", key), f"can't read {file}")
    return _with_password(reader, fleet)


def _with_password(reader: Reader, fleet: FleetSettings) -> FleetSettings:
    if fleet.password_file is None:
        return fleet
    path = "fleet", "password_file"
    data = secret_file(reader, fleet.password_file, path)
    if data is None:
        return fleet
    password = data.decode("utf-8", "replace").strip()
    if not password:
        reader.report(path, f"{fleet.password_file}: there is no password in it")
    return replace(fleet, password=password)

"""`[fleet]`: the servers that answer as one."""

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dinamed.config import values
from dinamed.config.check_forms import split_url
from dinamed.config.durations import DURATION
from dinamed.config.values import FilePath

SharedKind = Literal["orders", "reports", "votes", "handouts"]
SHARED: tuple[SharedKind, ...] = ("orders", "reports", "votes", "handouts")
"""What servers may share."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def name(text: str) -> str:
    """What can be a part of a key: letters, digits, dots, dashes, underscores."""
    if not _NAME.fullmatch(text):
        raise ValueError("expected 1 to 63 letters, digits, dots, dashes, underscores")
    return text


def endpoint(text: str) -> str:
    """The URL of an endpoint, without a path."""
    if split_url(text).target not in ("", "/") or "{" in text:
        raise ValueError("expected http://HOST:PORT or https://HOST:PORT")
    return text.rstrip("/")


Endpoint = Annotated[str, Meta(extra={"form": endpoint})]
FleetName = Annotated[str, Meta(extra={"form": name})]
Region = Annotated[str, Meta(max_length=63, extra={"form": values.identity})]
FleetInterval = Annotated[float, Meta(ge=1, le=60, extra=DURATION)]
Lease = Annotated[float, Meta(ge=3, le=3600, extra=DURATION)]
Askers = Annotated[int, Meta(ge=1, le=64)]


class FleetSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`[fleet]`; without `engine` this server is alone.

    `interval` is the time between publications, `lease` how long this server's values
    outlive it.  `password` is what `password_file` holds.
    """

    engine: Literal["etcd"] | None = None
    endpoints: tuple[Endpoint, ...] = ()
    name: FleetName = "dinamed"
    server: FleetName | None = None
    region: Region = ""
    interval: FleetInterval = 5.0
    lease: Lease = 15.0
    user: str | None = None
    password_file: FilePath | None = None
    ca: FilePath | None = None
    certificate: FilePath | None = None
    key: FilePath | None = None
    share: tuple[SharedKind, ...] = SHARED
    load_askers: Askers = 2
    password: str = ""
    """Not a key of the file."""

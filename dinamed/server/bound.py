"""The sockets of a server: all that the options and the config name."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.logger import Logger

from dinamed.config.default import is_example
from dinamed.config.settings import Settings
from dinamed.plane.service import threads_for
from dinamed.server.sockets import (
    BindError,
    ListenAddress,
    Listening,
    Stream,
    bind,
    bind_http,
    bind_tls,
    everywhere,
    resolve,
)
from dinamed.server.tls import Certificates, certificates_of
from dinamed.takeover.sockets import HTTP, TLS, InheritedSockets


@dataclass(frozen=True)
class Bound:
    """The sockets of a server, bound while it has the right to."""

    threads: int
    """Of the compiled plane; 0: Python answers everything."""
    dns: list[Listening]
    http: list[tuple[ListenAddress, socket.socket]]
    tls: list[tuple[ListenAddress, socket.socket]]
    certificates: Certificates | None

    def summary(self) -> str:
        """Where the server is reached."""
        where = ", ".join(str(one.address) for one in self.dns)
        tls = "".join(f", TLS on {address}" for address, _ in self.tls)
        http = "".join(f", HTTP on {address}" for address, _ in self.http)
        return where + tls + http


def bind_all(
    options: Mapping[str, Any], settings: Settings, inherited: InheritedSockets
) -> Bound:
    """Bind what the options and `[server]` name, but for what is inherited.

    Raises `BindError`, `TlsError`.
    """
    server = settings.server
    free = server.freebind
    listen = tuple(options["interfaces"]) or server.listen or everywhere()
    threads = threads_for(server.threads, os.environ, bool(options["debug"]))
    return Bound(
        threads,
        bind(resolve(listen, options["port"]), threads or 1, inherited.dns, free),
        bind_web(settings, inherited),
        bind_tls(server.tls, partial(inherited.stream, TLS), free),
        certificates_of(server),
    )


def bind_web(settings: Settings, inherited: InheritedSockets) -> list[Stream]:
    """Bind what `[server] http` names, if it names anything.

    The built-in example is for trying things out, perhaps twice on one machine: there a
    port that is taken costs the HTTP side alone.

    Raises `BindError`.
    """
    if settings.server.http is None:
        return []
    try:
        there = partial(inherited.stream, HTTP)
        return bind_http(settings.server.http, 0, there, settings.server.freebind)
    except BindError as error:
        if not is_example(settings.path):
            raise
        Logger("dinamed").warn("the example goes without HTTP: {error}", error=error)
        return []

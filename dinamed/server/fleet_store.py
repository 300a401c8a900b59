"""The store that `[fleet]` speaks of, with its certificates."""

import random
from typing import Any

from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from dinamed.config.fleet import FleetSettings
from dinamed.fleet.etcd import EtcdClient
from dinamed.fleet.etcd_store import EtcdStore, agent_of, connections_of
from dinamed.fleet.store import Store


@implementer(IPolicyForHTTPS)
class FleetPolicy:
    """How the store's certificate is checked, and which one we show."""

    def __init__(self, settings: FleetSettings) -> None:
        self._trust = None
        self._own = None
        if settings.ca is not None:
            with open(settings.ca, "rb") as file:
                found = Certificate.loadPEM(file.read())
            self._trust = trustRootFromCertificates([found])
        if settings.certificate is not None and settings.key is not None:
            with open(settings.certificate, "rb") as file:
                pem = file.read()
            with open(settings.key, "rb") as file:
                pem += b"\n" + file.read()
            self._own = PrivateCertificate.loadPEM(pem)

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:  # noqa: N802
        """The context of a connection to that host."""
        return optionsForClientTLS(
            hostname.decode("ascii"),
            trustRoot=self._trust,
            clientCertificate=self._own,
        )


def etcd_store(reactor: Any, settings: FleetSettings, server: str) -> Store:
    """The store that `[fleet]` speaks of."""
    tls = any(one.startswith("https:") for one in settings.endpoints)
    pool = connections_of(reactor)
    agent = agent_of(reactor, pool, FleetPolicy(settings) if tls else None)
    login = None if settings.user is None else (settings.user, settings.password)
    client = EtcdClient(reactor, agent, settings.endpoints, random.Random(), login)
    lease = max(1, round(settings.lease))
    return EtcdStore(
        client, pool, settings.name, lease, settings.interval, random.Random()
    )

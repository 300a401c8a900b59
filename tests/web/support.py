"""What the tests of the HTTP side share."""

import io
import json
import os
import random
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, FileBodyProducer, readBody
from twisted.web.http_headers import Headers

from dinamed.happenings import Happenings
from dinamed.journal.events import EventLog
from dinamed.journal.files import JournalFiles
from dinamed.querylog.service import QueryLogService
from dinamed.server.authority import Authority
from dinamed.server.config_loader import load_here
from dinamed.server.liveness import Liveness
from dinamed.server.member_of_fleet import member_of_fleet
from dinamed.server.monitoring import MonitoringService
from dinamed.server.parents import ParentAsker
from dinamed.server.services import ListenService, ReloadOutcome, ReloadService
from dinamed.server.signing import SigningService
from dinamed.server.stack import stack_of
from dinamed.server.transfers import TransferService
from dinamed.takeover.sender import ReplaceOutcome, ReplaceService
from dinamed.web.parts import WebParts
from dinamed.web.service import site_of

ZONE = """\
$TTL 3600
@ IN SOA ns1 hostmaster 7 7200 1800 1209600 300
@ IN NS ns1
ns1 IN A 192.0.2.53
"""

CONFIG = """\
[server]
identity = "ns1"
[zones."example.org"]
file = "example.org.zone"
[zones."example.org".names]
ftp = "mirrors"
[pools.mirrors]
select = ["hash"]
load = {type = "push"}
[[pools.mirrors.members]]
name = "big"
addresses = ["192.0.2.1", "2001:db8::1"]
weight = 3
[[pools.mirrors.members]]
name = "small/er"
addresses = ["192.0.2.2"]
"""


class Reply(NamedTuple):
    """What a request brought back."""

    status: int
    headers: Headers
    body: bytes

    @property
    def type(self) -> str:
        """The content type."""
        return (self.headers.getRawHeaders("content-type") or [""])[0]


def body_producer(body: object) -> io.BytesIO | None:
    """JSON to send, or nothing."""
    return None if body is None else io.BytesIO(json.dumps(body).encode())


class StubReload(ReloadService):
    """Reloads as it is told to."""

    outcome = ReloadOutcome(True)

    def reload(self) -> Deferred[ReloadOutcome]:
        """The outcome that the test wants."""
        return succeed(self.outcome)


class StubReplace(ReplaceService):
    """Replaces nothing, and says so as it is told to."""

    outcome = ReplaceOutcome(7, summary="all of it")

    def __init__(self) -> None:
        """It has nothing to replace."""

    def replace(self) -> Deferred[ReplaceOutcome]:
        """The outcome that the test wants."""
        return succeed(self.outcome)


class SiteCase(TestCase):
    """The site of one server on a free port of loopback."""

    config = CONFIG
    secrets: ClassVar[Mapping[str, str]] = {}
    """Files beside the config which nobody else may read, by name."""

    keeps_journal = False
    """Whether what happens is kept in the folder of the config."""

    def setUp(self) -> None:
        """Serve a config on a free port."""
        folder = self.mktemp()
        os.makedirs(folder)
        self.folder = folder
        for name, text in (("dinamed.toml", self.config), ("example.org.zone", ZONE)):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        for name, text in self.secrets.items():
            path = os.path.join(folder, name)
            with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
                file.write(text)
        self.now = 1_000_000.0
        loaded = load_here(os.path.join(folder, "dinamed.toml"))
        transfers = TransferService(reactor, lambda: self.now, random.Random(5), ())
        self.transfers = transfers
        self.authority = Authority(
            loaded,
            lambda: self.now,
            random.Random(1),
            transfers,
            transfers.answering,
        )
        transfers.changed.subscribe(self.authority.refresh)
        self.authority.served.subscribe(transfers.served)
        self.reloading = StubReload(reactor, self.authority)
        self.agent = Agent(reactor)
        self.serve(None)

    def serve(self, token_file: str | None) -> None:
        """Start a site with or without a token."""
        self.liveness, self.ready = Liveness(), True
        authority = self.authority
        stack = stack_of(authority.engine)
        listening = ListenService(reactor, stack, ())
        self.fleet = member_of_fleet(reactor, authority)
        watching = MonitoringService(reactor, authority, random.Random(2), self.fleet)
        self.replacing = StubReplace()
        self.signing = SigningService(
            reactor,
            authority,
            random.Random(4),
            ParentAsker(reactor),
            lambda address: True,
        )
        events = EventLog(lambda: self.now)
        self.happenings = Happenings(events, authority.manager, self.reloading)
        self.happenings.startService()
        self.parts = WebParts(
            authority.manager,
            authority.engine,
            authority.seconds,
            authority.summary,
            authority.loaded.settings,
            authority.applied,
            stack,
            listening,
            self.reloading,
            watching.health,
            watching.loads,
            watching.pushes,
            self.replacing,
            QueryLogService(reactor, authority, stack, None, random.Random(3)),
            self.signing,
            self.fleet,
            self.liveness,
            lambda: self.ready,
            self.happenings,
            transfers=self.transfers,
            journal=JournalFiles(self.folder) if self.keeps_journal else None,
            stage_failures=authority.stage_failures,
        )
        self.site, self.events = site_of(reactor, self.parts, token_file)
        port = reactor.listenTCP(0, self.site, interface="127.0.0.1")  # type: ignore[arg-type]
        self.addCleanup(port.stopListening)
        address = port.getHost()
        assert isinstance(address, IPv4Address)
        self.base = f"http://127.0.0.1:{address.port}"

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        raw: bytes | None = None,
        **headers: str,
    ) -> Reply:
        """One request."""
        data = body_producer(body) if raw is None else io.BytesIO(raw)
        response = await self.agent.request(
            method.encode(),
            (self.base + path).encode(),
            Headers(
                {name.replace("_", "-"): [value] for name, value in headers.items()}
            ),
            None if data is None else FileBodyProducer(data),
        )
        return Reply(response.code, response.headers, await readBody(response))

    async def json(self, method: str, path: str, status: int, **more: Any) -> Any:
        """The JSON of a reply that must have this status."""
        reply = await self.ask(method, path, **more)
        self.assertEqual(reply.status, status, reply.body)
        self.assertEqual(reply.type, "application/json")
        return json.loads(reply.body)

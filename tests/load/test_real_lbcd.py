"""The `lbcd` feed with the real daemon of that name."""

import os
import random
import socket
import struct
import tempfile
import threading
from pathlib import Path

from dinamed.config.feeds import LbcdFeed
from dinamed.load.lbcd import LbcdPoller, LbcdSource
from dinamed.load.poller import ProbeTarget
from tests.daemon.harness import free_port
from tests.load.real import ANY_REACTOR, RealTestCase

WEIGHTS = """#!/bin/sh
exec cat {path}
"""


class LbcdTests(RealTestCase):
    """One lbcd, started in different ways."""

    def lbcd(
        self, *options: str, service: str = "default", address: str = "127.0.0.1"
    ) -> LbcdPoller:
        """Start lbcd; what asks it."""
        port = free_port((address,))
        self.start("lbcd", ["-f", "-b", address, "-p", str(port), *options])
        return self.poller(port, service, address)

    def poller(
        self, port: int, service: str = "default", address: str = "127.0.0.1"
    ) -> LbcdPoller:
        """What asks an lbcd that is there."""
        feed = LbcdFeed(port=port, service=service, timeout=5.0)
        source = LbcdSource(ANY_REACTOR, feed, random.Random())
        return source.poller(ProbeTarget(address, "one"))

    async def test_default(self) -> None:
        """The load of this machine, which is what it may be."""
        report = await self.report(self.lbcd())
        self.assertEqual((report.increment, report.source), (200, "lbcd"))
        self.assertTrue(report.out or report.load < 1e6)

    async def test_round_robin(self) -> None:
        """Every member has a weight of 1."""
        report = await self.report(self.lbcd("-R"))
        self.assertEqual((report.load, report.increment), (1, 1))

    async def test_fixed(self) -> None:
        """Weight and increment as they are set."""
        report = await self.report(self.lbcd("-w", "500:7"))
        self.assertEqual((report.load, report.increment), (500, 7))

    async def test_v3_only_once(self) -> None:
        """A member that has answered in version 3 is known for it."""
        poller = self.lbcd("-R")
        await self.report(poller)
        self.assertEqual(poller.version, 3)

    async def test_command(self) -> None:
        """What a command prints; a change shows at once, a failure is out."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        weights = Path(folder.name, "weights")
        command = Path(folder.name, "command")
        command.write_text(WEIGHTS.format(path=weights), "ascii")
        command.chmod(0o755)
        weights.write_text("70000 17\n", "ascii")
        poller = self.lbcd("-c", str(command))
        report = await self.report(poller)
        self.assertEqual((report.load, report.increment), (70000, 17))
        weights.write_text("3 1\n", "ascii")
        report = await self.report(poller)
        self.assertEqual((report.load, report.increment, report.out), (3, 1, False))
        os.remove(weights)
        report = await self.report(poller)
        self.assertTrue(report.out)

    async def test_service(self) -> None:
        """A service that is named is asked for; one that is down is out."""
        dead = free_port()
        poller = self.lbcd("-R", "-a", f"tcp:{dead}", service=f"tcp:{dead}")
        self.assertTrue((await self.report(poller)).out)
        listening = socket.create_server(("127.0.0.1", dead))
        self.addCleanup(listening.close)
        report = await self.report(poller, lambda report: not report.out)
        self.assertEqual((report.load, report.increment), (0, 1))

    async def test_service_not_allowed(self) -> None:
        """A service that lbcd was not told of is a refusal with its reason."""
        poller = self.lbcd("-R")
        await self.report(poller)
        stranger = self.poller(poller.source.feed.port, "http:8080")
        words = "does not tell of the service http:8080 (status 2)"
        self.assertEqual(await self.refusal(stranger), words)

    async def test_nobody(self) -> None:
        """Where nobody listens the poll fails at once."""
        words = await self.refusal(self.poller(free_port()))
        self.assertEqual(words, "port unreachable")

    async def test_several(self) -> None:
        """Members on several loopback addresses have each their own load."""
        loads = {}
        for count in (1, 2, 3):
            address = f"127.0.0.{count}"
            poller = self.lbcd("-w", f"{count}0:1", address=address)
            loads[address] = (await self.report(poller)).load
        self.assertEqual(list(loads.values()), [10, 20, 30])

    async def test_as_if_old(self) -> None:
        """Behind a relay that knows version 2 only, the same lbcd tells its weight."""
        behind = self.lbcd("-w", "500:7")
        await self.report(behind)
        relay = OldRelay(behind.source.feed.port)
        self.addCleanup(relay.stop)
        poller = self.poller(relay.port)
        report = await self.report(poller)
        self.assertEqual((report.load, report.increment), (500, None))
        self.assertEqual(poller.version, 2)


class OldRelay:
    """A member of 1996: refuses version 3, and passes version 2 on to an lbcd."""

    def __init__(self, behind: int) -> None:
        self._behind = ("127.0.0.1", behind)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop; an empty datagram is the sign."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as onward:
            onward.settimeout(5.0)
            while True:
                data, client = self._socket.recvfrom(2048)
                if not data:
                    return
                if data[:2] == struct.pack("!H", 2):
                    onward.sendto(data, self._behind)
                    self._socket.sendto(onward.recv(2048), client)
                else:
                    error = struct.pack("!H", 3) + data[2:6] + struct.pack("!H", 3)
                    self._socket.sendto(error, client)

"""Ten thousand members checked every ten seconds: what it costs, and how late.

    python benchmarks/health_scale.py [--type http] [--targets 10000] [--seconds 30]

All targets are addresses of 127.0.0.0/8 with one listener behind them, which runs in
a process of its own.  Printed are the share of one core that the checking process
took after the first round, and how long after their due times probes began.
"""

import argparse
import asyncio
import gc
import multiprocessing
import random
import resource
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from dinamed.config import checks
from dinamed.config.combined import CheckRule
from dinamed.config.settings import MemberSettings
from dinamed.health.probes import HealthReactor
from dinamed.health.scheduling import SchedulingLag
from dinamed.health.service import HealthService, MemberVerdict

RESPONSE = (
    b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 3\r\nConnection: close\r\n\r\nok\n"
)


def address(number: int) -> str:
    """The address of that number within 127.0.0.0/8."""
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


class Pool:
    """A pool with that many members of one address each."""

    def __init__(self, targets: int, check: checks.Check) -> None:
        self.name = "all"
        self.check = (check,)
        self.check_rule: CheckRule | None = None
        self.members = [
            MemberSettings(
                name=f"m{number}",
                addresses=(address(number),),
            )
            for number in range(targets)
        ]


class Silent:
    """Takes verdicts and counts them."""

    def __init__(self) -> None:
        self.calls = 0
        self.up = 0
        self.down = 0

    def verdicts(self, changed: Sequence[MemberVerdict]) -> None:
        """See L{dinamed.health.service.Gateway}."""
        self.calls += 1
        self.up += sum(one.healthy is True for one in changed)
        self.down += sum(one.healthy is False for one in changed)


class Peer(asyncio.Protocol):
    """Answers every request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer and close."""
        assert isinstance(self.transport, asyncio.WriteTransport)
        self.transport.write(RESPONSE)
        self.transport.close()


def listen(listener: socket.socket) -> None:
    """Serve until the process is ended."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Peer, sock=listener, backlog=4096)
        await server.serve_forever()

    asyncio.run(serve())


def used() -> float:
    """CPU seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--type", choices=("tcp", "http"), default="http")
    parser.add_argument("--targets", type=int, default=10000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--interval", type=float, default=10.0)
    parser.add_argument("--dead", type=float, default=0.0, help="share never answering")
    parser.add_argument(
        "--freeze", action="store_true", help="keep what lasts from the collector"
    )
    return parser.parse_args()


def make_check(arguments: argparse.Namespace, port: int) -> checks.Check:
    """The check of that type."""
    if arguments.type == "tcp":
        return checks.TcpCheck(port=port, interval=arguments.interval)
    return checks.HttpCheck(
        url=f"http://{{address}}:{port}/pool/health",
        interval=arguments.interval,
        body="ok",
    )


async def measure(arguments: argparse.Namespace, port: int, deaf: int) -> None:
    """Run the service and print what it took."""
    dead = round(arguments.targets * arguments.dead)
    pools = [Pool(arguments.targets - dead, make_check(arguments, port))]
    if dead:
        pools.append(Pool(dead, checks.TcpCheck(port=deaf, expect="x", interval=10)))
        pools[1].name = "dead"
    gateway = Silent()
    service = HealthService(
        cast(HealthReactor, reactor), gateway, pools, random.Random(1)
    )
    began = time.monotonic()
    service.startService()
    await service.first_round()
    print(
        f"first round: {time.monotonic() - began:.2f} s, {used():.2f} s of CPU so far"
    )
    await deferLater(reactor, arguments.interval, lambda: None)
    if arguments.freeze:
        gc.collect()
        gc.freeze()
    service.lag = SchedulingLag()
    passed, failed = service.passed, service.failed
    cpu, began = used(), time.monotonic()
    await deferLater(reactor, arguments.seconds, lambda: None)
    wall, cpu = time.monotonic() - began, used() - cpu
    passed, failed = service.passed - passed, service.failed - failed
    late = service.lag
    print(f"checks: {passed} passed, {failed} failed in {wall:.1f} s")
    print(
        f"CPU: {cpu / wall:.1%} of a core, {1000 * cpu / (passed + failed):.3f} ms each"
    )
    for share in (0.5, 0.9, 0.99, 0.999):
        print(f"late, quantile {share}: at most {1000 * late.quantile(share):.0f} ms")
    print(f"late, worst: {1000 * late.largest:.1f} ms")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory: {peak:.0f} MB; verdicts: {gateway.up} up, {gateway.down} down")
    print(f"in flight at the end: {service.in_flight}, waiting: {service.waiting}")
    service.stopService()


def main() -> None:
    """Set up the peer, measure, end the peer."""
    arguments = parse()
    listener = socket.create_server(("0.0.0.0", 0), backlog=4096)
    deaf = socket.create_server(("0.0.0.0", 0), backlog=4096)
    peer = multiprocessing.get_context("fork").Process(target=listen, args=(listener,))
    peer.start()
    listener_port, deaf_port = listener.getsockname()[1], deaf.getsockname()[1]
    done = Deferred.fromCoroutine(measure(arguments, listener_port, deaf_port))
    done.addErrback(lambda failure: print(failure, file=sys.stderr))
    done.addBoth(lambda _: reactor.stop())
    try:
        reactor.run()
    finally:
        peer.terminate()
        peer.join()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()

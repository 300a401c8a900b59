"""Asking where members come from: files, URLs, and names in the DNS."""

import os
import socket
import stat
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import (
    Deferred,
    DeferredSemaphore,
    fail,
    gatherResults,
    succeed,
)
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.internet.threads import deferToThreadPool
from twisted.names import client, dns, error
from twisted.python.failure import Failure
from twisted.web.client import Agent, ResponseFailed
from twisted.web.http_headers import Headers

from dinamed.bodies import whole_body
from dinamed.config.discovery import (
    Discovery,
    DnsDiscovery,
    FileDiscovery,
    HttpDiscovery,
)
from dinamed.config.values import host_port
from dinamed.discovery.targets import MemberReader, Members
from dinamed.shortage import shortage

AT_ONCE = 32
"""Names whose addresses are asked for at the same time."""
MAX_BODY = 8 << 20
"""Octets of a list: JSON is taken apart in one step, while all else waits."""


class SourceError(Exception):
    """The source has told nothing; the message says why, on one line."""


class MemberSource(Protocol):
    """Where one pool's members come from."""

    def ask(self) -> "Deferred[Members | None]":
        """The members; None: as before.

        Fails with `SourceError`, `BadMembersError`.
        """
        ...


def make_member_source(
    reactor: Any, rules: Discovery, reader: MemberReader
) -> MemberSource | None:
    """What asks by these rules; None where nobody is asked (`api`)."""
    match rules:
        case FileDiscovery():
            return FileSource(reactor, rules.path, reader.prometheus)
        case HttpDiscovery():
            return HttpSource(reactor, rules, reader.prometheus)
        case DnsDiscovery():
            return DnsSource(reactor, rules, reader)
    return None


class FileSource:
    """Reads a file whenever it has changed, in a thread."""

    def __init__(
        self, reactor: Any, path: str, read: Callable[[bytes], Members]
    ) -> None:
        self._reactor = reactor
        self._path = path
        self._read = read
        self._seen: object = None

    def ask(self) -> "Deferred[Members | None]":
        """See `MemberSource`."""
        try:
            now = os.stat(self._path)
            seen = now.st_mtime_ns, now.st_ino, now.st_size
        except OSError as problem:
            return fail(self._not_there(problem))
        if seen == self._seen:
            return succeed(None)
        self._seen = seen
        pool = self._reactor.getThreadPool()
        return deferToThreadPool(self._reactor, pool, self._look)

    def _look(self) -> Members:
        """In a thread: read it.  Raises `SourceError`, `BadMembersError`."""
        try:
            # Whatever it is by now: nobody waits for the other end of a pipe.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise SourceError("it is not a regular file")
                data = file.read(MAX_BODY + 1)
        except OSError as problem:
            raise self._not_there(problem) from None
        if len(data) > MAX_BODY:
            raise SourceError("the file is too large")
        return self._read(data)

    def _not_there(self, problem: OSError) -> SourceError:
        self._seen = None
        return SourceError(shortage(problem) or str(problem.strerror))


class HttpSource:
    """Fetches a list from a URL; the list is read in a thread."""

    def __init__(
        self, reactor: Any, rules: HttpDiscovery, read: Callable[[bytes], Members]
    ) -> None:
        self._reactor = reactor
        self._rules = rules
        self._read = read
        self._agent = Agent(reactor, connectTimeout=rules.limit)

    def ask(self) -> "Deferred[Members | None]":
        """See `MemberSource`."""
        headers = Headers({"Accept": ["application/json"], "User-Agent": ["dinamed"]})
        for name, value in self._rules.headers:
            headers.setRawHeaders(name, [value])
        if self._rules.token_file is not None:
            try:
                with open(self._rules.token_file, encoding="ascii") as file:
                    headers.setRawHeaders(
                        "Authorization", [f"Bearer {file.read().strip()}"]
                    )
            except (OSError, UnicodeDecodeError) as problem:
                return fail(SourceError(f"no token: {problem}"))
        asked = self._agent.request(b"GET", self._rules.url.encode(), headers)
        got: Deferred[bytes] = asked.addCallback(self._answered)
        got.addTimeout(self._rules.limit, self._reactor)
        got.addErrback(self._failed)
        return got.addCallback(
            lambda data: deferToThreadPool(
                self._reactor, self._reactor.getThreadPool(), self._read, data
            )
        )

    @staticmethod
    def _answered(response: Any) -> "Deferred[bytes]":
        if response.code != 200:
            raise SourceError(f"status {response.code}")
        return whole_body(response, MAX_BODY)

    @staticmethod
    def _failed(failure: Failure) -> Failure:
        if failure.check(SourceError):
            return failure
        problem = failure.value
        if isinstance(problem, ResponseFailed) and problem.reasons:
            problem = problem.reasons[0].value
        words = shortage(problem) or str(problem) or type(problem).__name__
        return Failure(SourceError(words))


_UNHEARD = (
    error.DNSQueryTimeoutError,
    error.ResolverError,
    ConnectError,
    ConnectionClosed,
    OSError,
)
"""What it means that a resolver gave no answer, over UDP and TCP."""


class DnsSource:
    """Asks for the addresses of a name, or for its SRV records and their addresses."""

    def __init__(self, reactor: Any, rules: DnsDiscovery, reader: MemberReader) -> None:
        self._rules = rules
        self._reader = reader
        self._resolver: Any = _resolver(reactor, rules.resolver)
        # What is left of the time after two tries is for addresses of SRV targets.
        self._patience = [max(0.5, rules.limit / 3), max(0.5, rules.limit / 3)]

    def ask(self) -> "Deferred[Members | None]":
        """See `MemberSource`."""
        rules = self._rules
        if rules.record == "SRV":
            found = self._resolver.lookupService(rules.name, self._patience)
            found.addCallback(self._targets)
        else:
            found = self._addresses(rules.name, rules.record)
            found.addCallback(
                lambda known: [{"name": one, "addresses": [one]} for one in known]
            )
        found.addCallback(self._reader.tables)
        found.addErrback(self._failed)
        members: Deferred[Members | None] = found
        return members

    def _addresses(self, name: str, record: str) -> "Deferred[list[str]]":
        kinds = []
        if "AAAA" in record.split("+"):
            kinds.append(self._resolver.lookupIPV6Address)
        if "A" in record.split("+"):
            kinds.insert(0, self._resolver.lookupAddress)
        asked = [kind(name, self._patience) for kind in kinds]
        return gatherResults(asked, consumeErrors=True).addCallbacks(_sorted, _first)

    def _targets(self, replies: Any) -> "Deferred[list[dict[str, object]]]":
        records = [
            header.payload
            for header in replies[0]
            if isinstance(header.payload, dns.Record_SRV)
            and header.payload.target.name != b""
        ]
        records.sort(key=lambda one: (one.priority, one.target.name))
        single = {record.target.name: record for record in records}.values()
        most = self._rules.max_members
        if len(single) > most:
            raise SourceError(f"{len(single)} names are more than max_members = {most}")
        # Each question takes a socket, so they go a few at a time.
        turns = DeferredSemaphore(AT_ONCE)
        asked = [turns.run(self._target, record) for record in single]
        return gatherResults(asked, consumeErrors=True).addErrback(_first)

    def _target(self, record: Any) -> "Deferred[dict[str, object]]":
        """A member from an SRV record, with the addresses that its target has."""
        name = record.target.name.decode("ascii").rstrip(".")

        def table(known: list[str]) -> dict[str, object]:
            return {
                "name": name,
                "addresses": known,
                "priority": record.priority,
                "weight": float(record.weight or 1),
            }

        return self._addresses(name, "A+AAAA").addCallback(table)

    @staticmethod
    def _failed(failure: Failure) -> Failure:
        if failure.check(error.DomainError):
            absent = failure.check(error.DNSNameError) is not None
            kind = type(failure.value).__name__
            words = "the name does not exist" if absent else f"refused: {kind}"
            return Failure(SourceError(words))
        if failure.check(*_UNHEARD):
            words = shortage(failure.value) or "no answer"
            return Failure(SourceError(words))
        return failure


def _sorted(replies: list[Any]) -> list[str]:
    found = set()
    for answers, _, _ in replies:
        for header in answers:
            if isinstance(header.payload, dns.Record_A | dns.Record_AAAA):
                found.add(
                    header.payload.dottedQuad()
                    if isinstance(header.payload, dns.Record_A)
                    else _ipv6(header.payload.address)
                )
    return sorted(found)


def _ipv6(packed: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6, packed)


def _first(failure: Failure) -> Failure:
    """The failure behind that of many."""
    inner = getattr(failure.value, "subFailure", None)
    return failure if inner is None else inner


def _resolver(reactor: Any, address: str | None) -> Any:
    """What asks: one resolver, or those of the system, hosts file aside."""
    if address is None:
        return client.Resolver(resolv="/etc/resolv.conf", reactor=reactor)
    host, port = host_port(address)
    return client.Resolver(servers=[(host, port or 53)], reactor=reactor)

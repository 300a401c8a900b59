"""The custom twisted.names resolver: the engine as an `IResolver`."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred, execute
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IResolver
from twisted.logger import Logger
from twisted.names import dns, error
from twisted.names.common import ResolverBase
from zope.interface import implementer

from dinamed.plans.context import QueryContext, unpacked
from dinamed.plans.engine import Engine, Learner
from dinamed.wire.constants import CLASS_IN, FLAG_QR, Rcode, Type
from dinamed.wire.edns import opt_record
from dinamed.wire.names import BadName, from_labels
from dinamed.wire.query import Rejected, query_of, read_query
from dinamed.wire.question import Question

LOCALHOST = b"\x7f\x00\x00\x01"

_FAILURES: dict[int, type[Exception]] = {
    Rcode.FORMERR: error.DNSFormatError,
    Rcode.SERVFAIL: error.DNSServerError,
    Rcode.NXDOMAIN: error.DNSNameError,
    Rcode.NOTIMP: error.DNSNotImplementedError,
    Rcode.REFUSED: error.DNSQueryRefusedError,
}

_TEST = query_of(Question(b"\0", b"\0", Type.SOA, CLASS_IN))
"""The question of a server to itself."""

ResponseSections = tuple[list[dns.RRHeader], list[dns.RRHeader], list[dns.RRHeader]]


@implementer(IResolver)
class EngineResolver(ResolverBase):
    """Answers from the engine, in twisted.names' terms and in octets.

    The listeners use `respond` and with it `answer`, which know the client.  `query`
    and the `lookup...` methods are for Python code in the same process; for them the
    client is the local host.
    """

    log = Logger()

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.failures = 0
        """Queries that met an error of ours and got SERVFAIL."""

    def respond(
        self,
        data: bytes,
        source: bytes,
        stream: bool = False,
        learner: Learner | None = None,
    ) -> bytes | None:
        """The reply to one message, or None for silence.  Never raises."""
        try:
            return self.engine.respond(data, source, stream, learner)
        except Exception:
            self.failures += 1
            # One report, not one for each packet of whoever found the fault.
            if self.failures & (self.failures - 1) == 0:
                self.log.failure(
                    "Answering failed ({failures} times so far) on {data}",
                    failures=self.failures,
                    data=data[:512].hex(),
                )
            return _server_failure(data)

    def count_failures(self, number: int) -> None:
        """Count failures of a process before this one."""
        self.failures += number

    def test(self) -> None:
        """Answer a question of our own, uncounted; raises if that fails."""
        executor = self.engine.executor
        executor.execute(executor.plan(_TEST), QueryContext(_TEST, LOCALHOST, True))

    def answer(self, context: QueryContext) -> bytes:
        """The reply to a query, with all that is known about its sender."""
        return self.engine.answer(context)

    def query(  # type: ignore[override]
        self, query: dns.Query, timeout: Sequence[int] | None = None
    ) -> Deferred[ResponseSections]:
        """Answer a `twisted.names.dns.Query`.

        Fails with the `twisted.names.error` class of the reply's rcode.
        """
        return execute(self._ask, query)

    def _ask(self, query: dns.Query) -> ResponseSections:
        try:
            name = _wire_name(query.name.name)
        except BadName:
            raise error.DNSFormatError(None) from None
        question = Question(name, name.lower(), query.type, query.cls)
        context = QueryContext(query_of(question), LOCALHOST, True)
        message = dns.Message()
        message.fromStr(self.answer(context))
        if message.rCode:
            raise _FAILURES.get(message.rCode, error.DNSUnknownError)(message)
        return message.answers, message.authority, message.additional

    def getHostByName(
        self, name: str | bytes, timeout: Sequence[int] | None = None, effort: int = 10
    ) -> Deferred[str]:
        """An address of `name`, IPv4 before IPv6; the base class asks for ANY.

        Fails with `DNSLookupError` when there is none, or the name is not ours.
        """
        return execute(self._host, dns.domainString(name))

    def _host(self, name: bytes) -> str:
        for rrtype in (dns.A, dns.AAAA):
            try:
                answers, _, _ = self._ask(dns.Query(name, rrtype, dns.IN))
            except error.DomainError as failure:
                raise DNSLookupError(name) from failure
            for record in answers:
                if isinstance(record.payload, dns.Record_A | dns.Record_AAAA):
                    return unpacked(record.payload.address)
        raise DNSLookupError(name)

    def _lookup(
        self, name: bytes, cls: int, type: int, timeout: Sequence[int] | None
    ) -> Deferred[ResponseSections]:
        return self.query(dns.Query(name, type, cls), timeout)


def _wire_name(text: bytes) -> bytes:
    stripped = text.removesuffix(b".")
    return from_labels(stripped.split(b".") if stripped else [])


def _server_failure(data: bytes) -> bytes:
    """The reply where we have failed; with the question, if there is one."""
    flags = FLAG_QR | int.from_bytes(data[2:4], "big") & 0x7910 | Rcode.SERVFAIL
    head = data[:2] + flags.to_bytes(2, "big")
    query = read_query(data)
    if isinstance(query, Rejected):
        return head + bytes(8)
    opt = opt_record(Rcode.SERVFAIL, query.edns.do) if query.edns is not None else b""
    return head + b"\0\1" + bytes(5) + bytes((bool(opt),)) + query.question.wire + opt

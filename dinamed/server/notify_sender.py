"""Sends NOTIFY to secondaries until they have answered (RFC 1996 section 3.6)."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger

from dinamed.config.transfers import Peer
from dinamed.transfers.incoming import rcode_text
from dinamed.transfers.notify import ATTEMPTS, FIRST_WAIT, is_reply, notify_message
from dinamed.transfers.records import Record
from dinamed.transfers.responder import wire_key
from dinamed.transfers.tsig import (
    BadSignature,
    Keys,
    Signer,
    find_signature,
    verify,
)
from dinamed.wire.names import WireName, to_text
from dinamed.wire.question import FormatError

MOST_AT_ONCE = 100
"""NOTIFY messages to one server that are under way; those of other zones wait."""


class _Socket(DatagramProtocol):
    """The socket that sends all NOTIFY messages and receives their answers."""

    noisy = False

    def __init__(self, heard: Callable[[bytes, tuple[Any, ...]], None]) -> None:
        self._heard = heard

    def datagramReceived(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """An answer, or something else."""
        self._heard(data, addr)


class _PendingNotify:
    """One NOTIFY to one server, sent again until it is answered."""

    def __init__(
        self,
        notifier: "NotifySender",
        peer: Peer,
        soa: Record,
        keys: Keys,
        done: Callable[[], None],
    ) -> None:
        self._notifier = notifier
        self._peer = peer
        self._soa = soa
        self._keys = keys
        self._done = done
        self._attempt = 0
        self._later: Any = None
        self._message = b""
        self._mac = b""

    def begin(self) -> None:
        """Send for the first time."""
        self._send()

    def _send(self) -> None:
        if self._attempt == ATTEMPTS:
            self._notifier.failed(self._peer, self._soa, "no answer")
            self._end()
            return
        ident = self._notifier.rng.getrandbits(16).to_bytes(2, "big")
        self._message = notify_message(ident, self._soa)
        signed, self._mac = self._message, b""
        if self._peer.key is not None:
            signer = Signer(self._keys[wire_key(self._peer.key)])
            signed = signer.sign(self._message, self._notifier.seconds())
            self._mac = signer.mac
        with suppress(OSError, CannotListenError):
            # Out of reach now; there are more attempts.
            self._notifier.send(signed, self._peer)
        wait = FIRST_WAIT * 2**self._attempt
        self._attempt += 1
        self._later = self._notifier.reactor.callLater(wait, self._send)

    def heard(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """The answer, if it comes from whom we told and is signed as agreed."""
        if addr[1] != self._peer.port or not is_reply(data, self._message):
            return
        if self._peer.key is not None:
            try:
                signature = find_signature(data)
                if signature is None:
                    return
                now = self._notifier.seconds()
                verify(data, signature, self._keys, now, self._mac)
            except (FormatError, BadSignature):
                return
        rcode = data[3] & 0xF
        if rcode:
            self._notifier.failed(self._peer, self._soa, rcode_text(rcode))
        self._end()

    def _end(self) -> None:
        self.stop()
        self._done()

    def stop(self) -> None:
        """Give up."""
        if self._later is not None and self._later.active():
            self._later.cancel()


class NotifySender:
    """All NOTIFY messages under way; a newer one of a zone replaces the older one."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        seconds: Callable[[], float],
        rng: Random,
        source_for: Callable[[str], str],
    ) -> None:
        self.reactor = reactor
        self.seconds = seconds
        self.rng = rng
        self._source_for = source_for
        self._pending: dict[str, dict[WireName, _PendingNotify]] = {}
        """What is under way, by whom it is for and by zone."""
        self._waiting: dict[str, dict[WireName, Callable[[], None]]] = {}
        self._ports: dict[str, Any] = {}
        """By the address that they send from."""

    def tell(self, soa: Record, peers: tuple[Peer, ...], keys: Keys) -> None:
        """Send NOTIFY with a zone's new SOA to these servers."""
        for peer in peers:
            who = str(peer)
            waiting = self._waiting.setdefault(who, {})
            before = self._pending.get(who, {}).pop(soa.owner, None)
            if before is not None:
                before.stop()
            waiting[soa.owner] = partial(self._begin, peer, soa, keys)
            self._go_on(who)

    def _go_on(self, who: str) -> None:
        """Begin with what waits for this server, unless too much is under way."""
        under_way = self._pending.setdefault(who, {})
        waiting = self._waiting.get(who, {})
        while waiting and len(under_way) < MOST_AT_ONCE:
            waiting.pop(next(iter(waiting)))()

    def _begin(self, peer: Peer, soa: Record, keys: Keys) -> None:
        who = str(peer)

        def done() -> None:
            self._pending[who].pop(soa.owner, None)
            self._go_on(who)

        pending = _PendingNotify(self, peer, soa, keys, done)
        self._pending[who][soa.owner] = pending
        pending.begin()

    def send(self, message: bytes, peer: Peer) -> None:
        """Send a message.  Raises `OSError` or `CannotListenError`."""
        source = self._source_for(peer.host)
        port = self._ports.get(source)
        if port is None:
            port = self.reactor.listenUDP(0, _Socket(self._heard), source)
            self._ports[source] = port
        port.write(message, (peer.host, peer.port))

    def _heard(self, data: bytes, addr: tuple[Any, ...]) -> None:
        for under_way in list(self._pending.values()):
            for pending in list(under_way.values()):
                pending.heard(data, addr)

    def failed(self, peer: Peer, soa: Record, why: str) -> None:
        """A server has not heard."""
        self.log.warn(
            "{zone}: {peer} could not be notified: {why}",
            zone=to_text(soa.owner),
            peer=peer.address,
            why=why,
        )

    def stop(self) -> None:
        """Stop all NOTIFY messages under way."""
        self._waiting.clear()
        for under_way in self._pending.values():
            for pending in under_way.values():
                pending.stop()
        self._pending.clear()
        for port in self._ports.values():
            port.stopListening()
        self._ports.clear()

"""The query of a `dns` check as octets, and the meaning of its answers."""

import struct
from enum import Enum, auto

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype

from dinamed.config.checks import DnsCheck
from dinamed.wire import names
from dinamed.wire.constants import (
    CLASS_IN,
    FLAG_QR,
    FLAG_RD,
    HEADER_SIZE,
    Rcode,
)

_TC = 0x0200
_HEADER = struct.Struct("!6H")


class Meaning(Enum):
    """What an acceptable answer means."""

    PASSED = auto()
    NOT_OURS = auto()  # some other message: go on waiting
    TRUNCATED = auto()  # to be asked for again over TCP


class DnsQuestion:
    """The question of a check, without the message id.

    Recursion is desired, as a resolver that is checked needs it and others ignore it.
    """

    def __init__(self, check: DnsCheck, name: str) -> None:
        """Raises `BadName` if the name, filled in, is none."""
        wire = names.from_text(name)
        self._type = dns.rdatatype.from_text(check.qtype)
        self._question = wire + struct.pack("!2H", self._type, CLASS_IN)
        self._rcode = check.rcode
        self._answers = [
            dns.rdata.from_text(
                "IN", self._type, text, origin=dns.name.root, relativize=False
            )
            for text in check.answers
        ]

    def message(self, identity: int) -> bytes:
        """The query with that id (0 to 65535)."""
        return _HEADER.pack(identity, FLAG_RD, 1, 0, 0, 0) + self._question

    def judge(self, data: bytes, identity: int) -> Meaning | str:
        """The meaning of `data` as the answer to the query; text: what is wrong.

        What doesn't have our id and question is not ours (RFC 5452 section 9.1).
        """
        if len(data) < HEADER_SIZE:
            return Meaning.NOT_OURS
        their_id, flags, questions, *_ = _HEADER.unpack_from(data)
        if their_id != identity or not flags & FLAG_QR or flags >> 11 & 15:
            return Meaning.NOT_OURS
        rcode = dns.rcode.to_text(dns.rcode.Rcode(flags & 15))
        if not questions and flags & 15 in (Rcode.FORMERR, Rcode.NOTIMP):
            return f"rcode {rcode}"  # which may leave the question out
        end = HEADER_SIZE + len(self._question)
        asked = data[HEADER_SIZE:end]
        if questions != 1 or asked.lower() != self._question.lower():
            return Meaning.NOT_OURS
        if rcode != self._rcode:
            return f"rcode {rcode}"
        if not self._answers:
            return Meaning.PASSED
        if flags & _TC:
            return Meaning.TRUNCATED
        return self._lacking(data)

    def _lacking(self, data: bytes) -> Meaning | str:
        try:
            message = dns.message.from_wire(data, ignore_trailing=True)
        except (dns.exception.DNSException, ValueError):
            return "a malformed answer"
        found = {
            rdata.to_digestable()
            for rrset in message.answer
            if rrset.rdtype == self._type
            for rdata in rrset
        }
        for wanted in self._answers:
            if wanted.to_digestable() not in found:
                return f"no answer {wanted}"
        return Meaning.PASSED

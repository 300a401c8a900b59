"""Signatures, against dnspython's own messages."""

import dns.message
import dns.rcode
import dns.tsig
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.transfers import KeySettings
from dinamed.transfers.tsig import (
    BadSignature,
    Signer,
    TsigError,
    attach,
    find_signature,
    key_text,
    keyring,
    refusal,
    unsigned,
    verify,
)
from dinamed.wire.question import FormatError
from tests.transfers.support import KEY, KEYS, NOW, OTHER


def plain() -> bytes:
    """A query that is not signed."""
    return dns.message.make_query("www.example.org.", "A", id=99).to_wire()


class VerifyTests(SynchronousTestCase):
    """What is signed well, and what is not."""

    def check(self, data: bytes, now: float = NOW) -> None:
        """Verify a message."""
        signature = find_signature(data)
        assert signature is not None
        verify(data, signature, KEYS, now)

    def assert_bad(self, data: bytes, error: TsigError, now: float = NOW) -> None:
        """It is refused with this error."""
        refused = self.assertRaises(BadSignature, self.check, data, now)
        self.assertEqual(refused.error, error)

    def test_dnspython_signs(self) -> None:
        """A message of dnspython is good, and is the plain one without its TSIG."""
        query = dns.message.make_query("www.example.org.", "A", id=99)
        query.use_tsig(KEY)
        data = query.to_wire()
        signature = find_signature(data)
        assert signature is not None
        self.check(data, signature.data.time_signed)
        self.assertEqual(unsigned(data, signature), plain())
        self.assertEqual(key_text(signature.name), "ours")

    def test_dnspython_verifies(self) -> None:
        """What we sign is good for dnspython, whose clock is the real one."""
        query = dns.message.make_query("www.example.org.", "A", id=99)
        query.use_tsig(KEY)
        data = query.to_wire()
        signature = find_signature(data)
        assert signature is not None
        reply = dns.message.make_response(query)
        reply.request_mac = b""
        wire = dns.message.make_response(
            dns.message.make_query("www.example.org.", "A", id=99)
        ).to_wire()
        signer = Signer(KEY, signature.data.mac)
        signed = signer.sign(wire, signature.data.time_signed)
        read = dns.message.from_wire(
            signed, keyring={KEY.name: KEY}, request_mac=query.mac
        )
        self.assertTrue(read.had_tsig)
        self.assertEqual(len(signed), len(wire) + signer.overhead)

    def test_errors(self) -> None:
        """Unknown keys, other secrets, other times."""
        good = Signer(KEY).sign(plain(), NOW)
        self.check(good)
        self.check(good, NOW + 300)
        self.assert_bad(good, TsigError.BADTIME, NOW + 301)
        self.assert_bad(good, TsigError.BADTIME, NOW - 301)
        self.assert_bad(Signer(OTHER).sign(plain(), NOW), TsigError.BADSIG)
        for key in (
            dns.tsig.Key("theirs.", "c2VjcmV0IGVub3VnaA==", "hmac-sha256"),
            dns.tsig.Key("ours.", "c2VjcmV0IGVub3VnaA==", "hmac-sha512"),
        ):
            self.assert_bad(Signer(key).sign(plain(), NOW), TsigError.BADKEY)

    @given(st.integers(0, 31), st.binary(min_size=1, max_size=1))
    def test_any_change(self, place: int, octet: bytes) -> None:
        """No octet of the message may be another."""
        good = Signer(KEY).sign(plain(), NOW)
        bad = good[:place] + octet + good[place + 1 :]
        if bad[2:] == good[2:]:
            return  # the id is not signed but for the original one
        with self.assertRaises((BadSignature, FormatError, AssertionError)):
            self.check(bad)

    def test_lengths_of_macs(self) -> None:
        """A shortened MAC is BADTRUNC, an impossible one malformed."""
        good = Signer(KEY).sign(plain(), NOW)
        signature = find_signature(good)
        assert signature is not None
        for size, error in ((16, BadSignature), (9, FormatError), (33, FormatError)):
            mac = (signature.data.mac + b"x")[:size]
            shorter = attach(plain(), KEY.name, signature.data.replace(mac=mac))  # type: ignore[arg-type]
            self.assertRaises(error, self.check, shorter)

    def test_misplaced(self) -> None:
        """TSIG is the last record, of class ANY, and there is one."""
        good = Signer(KEY).sign(plain(), NOW)
        twice = Signer(KEY).sign(good, NOW)
        self.assertRaises(FormatError, find_signature, twice)
        self.assertRaises(FormatError, find_signature, good[:-1])
        self.assertIsNone(find_signature(plain()))

    def test_several(self) -> None:
        """Messages of one reply are signed in a row; none may be left out."""
        signer = Signer(KEY, b"request")
        made = [signer.sign(plain(), NOW) for _ in range(4)]

        def check(these: list[bytes]) -> None:
            context = None
            for data in these:
                signature = find_signature(data)
                assert signature is not None
                context = verify(
                    data, signature, KEYS, NOW, b"request", context, several=True
                )

        check(made)
        self.assertRaises(BadSignature, check, [made[0], made[2]])
        self.assertRaises(BadSignature, check, made[1:])


class RefusalTests(SynchronousTestCase):
    """What a bad message is told."""

    def refused(self, key: dns.tsig.Key, error: TsigError) -> dns.message.Message:
        """The refusal as dnspython reads it, without verifying."""
        data = Signer(key).sign(plain(), NOW - 1000)
        signature = find_signature(data)
        assert signature is not None
        bare = data[:2] + b"\x80\x09" + plain()[4:]
        reply = refusal(bare, signature, KEYS, error, NOW)
        return dns.message.from_wire(reply, keyring=False)

    def test_unsigned(self) -> None:
        """Of what is not to be trusted, the error alone."""
        for error in (TsigError.BADKEY, TsigError.BADSIG):
            reply = self.refused(OTHER, error)
            self.assertEqual(reply.rcode(), dns.rcode.NOTAUTH)
            assert reply.tsig is not None
            (tsig,) = reply.tsig
            self.assertEqual((tsig.mac, tsig.error), (b"", error))

    def test_time(self) -> None:
        """A wrong time is told with ours, and signed (RFC 8945 section 5.2.3)."""
        reply = self.refused(KEY, TsigError.BADTIME)
        assert reply.tsig is not None
        (tsig,) = reply.tsig
        self.assertEqual(int.from_bytes(tsig.other, "big"), int(NOW))
        self.assertEqual(tsig.time_signed, int(NOW - 1000))
        self.assertEqual(len(tsig.mac), 32)


class KeyringTests(SynchronousTestCase):
    """Keys from the config."""

    def test_algorithms(self) -> None:
        """Each can sign."""
        for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"):
            key = KeySettings(name="a.b", algorithm=f"hmac-{name}", secret="YQ==")  # type: ignore[arg-type]
            ring = keyring([key])
            signed = Signer(ring[b"\x01a\x01b\0"]).sign(plain(), NOW)
            signature = find_signature(signed)
            assert signature is not None
            self.assertIsNone(verify(signed, signature, ring, NOW))

"""The question of a `dns` check, and what is thought of answers."""

import dns.message
import dns.rcode
import dns.rrset
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.checks import DnsCheck
from dinamed.health.dns_message import DnsQuestion, Meaning

CHECK = DnsCheck(name="www.example.org", answers=("192.0.2.1", "192.0.2.2"))
PLAIN = DnsCheck(name="www.example.org")


def question(check: DnsCheck) -> DnsQuestion:
    """The question of a check."""
    return DnsQuestion(check, check.name)


def answer(*addresses: str, identity: int = 7, name: str = "www.example.org.") -> bytes:
    """A good answer with these addresses."""
    response = dns.message.make_response(
        dns.message.make_query(name, "A", id=identity), recursion_available=True
    )
    if addresses:
        rrset = dns.rrset.from_text(name, 60, "IN", "A", *addresses)
        response.answer.append(rrset)
    return response.to_wire()


class QuestionTests(SynchronousTestCase):
    """What is asked."""

    def test_message(self) -> None:
        """A plain query that another implementation reads."""
        message = dns.message.from_wire(question(CHECK).message(4711))
        self.assertEqual(message, dns.message.make_query(CHECK.name, "A", id=4711))


class JudgeTests(SynchronousTestCase):
    """What is answered."""

    def judge(self, data: bytes, check: DnsCheck = CHECK) -> Meaning | str:
        """What is thought of it, for id 7."""
        return question(check).judge(data, 7)

    def test_passes(self) -> None:
        """All the answers that are asked for, in any order and company."""
        self.assertIs(
            self.judge(answer("192.0.2.9", "192.0.2.2", "192.0.2.1")), Meaning.PASSED
        )
        self.assertIs(self.judge(answer(), PLAIN), Meaning.PASSED)
        upper = answer("192.0.2.1", "192.0.2.2", name="WWW.example.org.")
        self.assertIs(self.judge(upper), Meaning.PASSED)

    def test_lacking(self) -> None:
        """One answer less fails."""
        self.assertEqual(self.judge(answer("192.0.2.1")), "no answer 192.0.2.2")

    def test_rcode(self) -> None:
        """Another response code fails; the one that is asked for passes."""
        response = dns.message.from_wire(answer())
        response.set_rcode(dns.rcode.NXDOMAIN)
        data = response.to_wire()
        self.assertEqual(self.judge(data), "rcode NXDOMAIN")
        check = DnsCheck(name=CHECK.name, rcode="NXDOMAIN")
        self.assertIs(self.judge(data, check), Meaning.PASSED)

    def test_formerr(self) -> None:
        """A refusal may come without the question."""
        self.assertEqual(self.judge(b"\0\7\x80\1" + bytes(8)), "rcode FORMERR")

    def test_not_ours(self) -> None:
        """Another id, question, opcode, a query, or next to nothing is not ours."""
        good = answer("192.0.2.1", "192.0.2.2")
        for data in (
            answer("192.0.2.1", identity=8),
            answer(name="www.example.net."),
            good[:2] + b"\x00" + good[3:],
            good[:2] + b"\xa8" + good[3:],
            good[:5] + b"\2" + good[6:],
            good[:11],
            b"",
        ):
            self.assertIs(self.judge(data), Meaning.NOT_OURS, data)

    def test_truncated(self) -> None:
        """A cut answer is enough only where its records do not matter."""
        data = bytearray(answer())
        data[2] |= 2
        self.assertIs(self.judge(bytes(data)), Meaning.TRUNCATED)
        self.assertIs(self.judge(bytes(data), PLAIN), Meaning.PASSED)

    def test_malformed(self) -> None:
        """A broken body is told as such."""
        self.assertEqual(self.judge(answer("192.0.2.1")[:-1]), "a malformed answer")

    @given(st.binary(max_size=60))
    def test_noise(self, noise: bytes) -> None:
        """Whatever follows a good beginning is judged, without an exception."""
        found = self.judge(answer("192.0.2.1", "192.0.2.2")[:33] + noise)
        self.assertIsInstance(found, Meaning | str)

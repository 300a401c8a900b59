"""Tests of what is said about a bad body."""

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from dinamed.web.body_errors import body_error
from dinamed.web.messages import LoadReport, OrderRequest


class WordsTests(SynchronousTestCase):
    """Sentences in place of what the JSON reader says."""

    def test_all(self) -> None:
        """Each kind of mistake."""
        for kind, body, words in (
            (
                OrderRequest,
                b'{"state": "drian"}',
                'state: "drian" is none of auto, up, down, drain; '
                'did you mean "drain"?',
            ),
            (OrderRequest, b"{}", "state is required"),
            (OrderRequest, b"[]", "expected an object, got a list"),
            (
                OrderRequest,
                b'{"state": "up", "fro": 3}',
                'unknown key fro; did you mean "for"?',
            ),
            (
                OrderRequest,
                b'{"state": "up", "for": "x"}',
                "for: expected a number, got text",
            ),
            (
                OrderRequest,
                b'{"state": "up", "for": -1}',
                "for: expected a number over 0.0",
            ),
            (LoadReport, b'{"member": 1}', "member: expected text, got a whole number"),
        ):
            with self.assertRaises(msgspec.DecodeError) as caught:
                msgspec.json.decode(body, type=kind)
            self.assertEqual(body_error(str(caught.exception), kind), words, body)

    def test_no_json(self) -> None:
        """What is no JSON at all."""
        for body in (b"{", b"state=up", b""):
            with self.assertRaises(msgspec.DecodeError) as caught:
                msgspec.json.decode(body, type=OrderRequest)
            said = body_error(str(caught.exception), OrderRequest)
            self.assertTrue(said.startswith("this is no JSON: "), said)

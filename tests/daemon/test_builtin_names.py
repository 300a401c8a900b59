"""Names that the daemon answers by itself, by dig."""

import re
import time

import dinamed
from tests.daemon.scenario import IDENTITY, ZONE, AskingCase


class OwnNameTests(AskingCase):
    """Built-in names."""

    def test_mgmt(self) -> None:
        """Five records: version, host, two dates, the number of questions."""
        reply = self.dig(f"txt mgmt.{ZONE}")
        self.assertEqual({one.ttl for one in reply.answer}, {0})
        texts = {one.rdata.strip('"') for one in reply.answer}
        self.assertEqual(len(texts), 5, reply.text)
        self.assertIn(f"dinamed/{dinamed.__version__}", texts)
        self.assertIn(f"Host: {IDENTITY}", texts)
        for start in ("Started: ", "Now:     "):
            (date,) = (one for one in texts if one.startswith(start))
            then = time.mktime(time.strptime(date.removeprefix(start)))
            self.assertTrue(0 <= time.time() - then < 600, date)
        self.assertTrue(any(re.fullmatch(r"Questions: \d+", one) for one in texts))

    def test_status(self) -> None:
        """JSON with what the server is and has done."""
        (record,) = self.dig(f"txt _status.{ZONE}").answer
        self.assertEqual(record.ttl, 1)
        text = record.rdata.replace('\\"', '"')
        self.assertRegex(text, rf'"id": ?"{IDENTITY}"')
        self.assertRegex(text, rf'"v": ?"(dinamed/)?{dinamed.__version__}"')
        self.assertRegex(text, r'"qs": ?\d+')
        self.assertRegex(text, r'"up": ?\d+')

    def test_pool_status(self) -> None:
        """One record a member for a client on loopback."""
        reply = self.dig(f"txt mirrors.mgmt.{ZONE}")
        names = {one.rdata.strip('"').split()[-1] for one in reply.answer}
        self.assertEqual(names, {"fra1", "ams1", "never"})
        self.assertEqual({one.ttl for one in reply.answer}, {0})

    def test_chaos(self) -> None:
        """The names of class CH: version and identity, TTL 0."""
        for name, text in (
            ("version.bind", dinamed.__version__),
            ("id.server", IDENTITY),
            ("hostname.bind", IDENTITY),
        ):
            with self.subTest(name):
                (record,) = self.dig(f"-c CH -t TXT {name}").answer
                self.assertEqual((record.ttl, record.rdclass), (0, "CH"))
                self.assertIn(text, record.rdata)

    def test_other_chaos_names(self) -> None:
        """Nothing else is in class CH."""
        reply = self.dig(f"-c CH -t TXT www.{ZONE}")
        self.assertEqual((reply.status, reply.answer), ("REFUSED", []))

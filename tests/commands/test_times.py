"""Points in time as they are typed."""

import time

from twisted.trial.unittest import SynchronousTestCase

from dinamed.commands.times import unix_time

NOW = 1_795_748_400.0
"""2026-11-27 03:00:00 UTC."""


class UnixTimeTests(SynchronousTestCase):
    """unix_time."""

    def test_utc(self) -> None:
        """With a Z behind, in each form."""
        for text, ago in (
            ("2026-11-27 02:12Z", 48 * 60),
            ("2026-11-27T02:12:30Z", 47 * 60 + 30),
            ("2026-11-27Z", 3 * 3600),
            ("02:59:59 Z", 1),
            ("03:00Z", 0),
            ("03:01Z", 86400 - 60),
            ("2h", 7200),
            ("1d12h", 36 * 3600),
        ):
            self.assertEqual(unix_time(text, NOW), NOW - ago, text)

    def test_local(self) -> None:
        """Without it in the zone of this machine."""
        then = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOW - 100))
        self.assertEqual(unix_time(then, NOW), NOW - 100)

    def test_number(self) -> None:
        """A Unix time as it is."""
        self.assertEqual(unix_time("1795748000.5", NOW), 1795748000.5)

    def test_wrong(self) -> None:
        """What is none of these is told."""
        for text in ("", "5", "yesterday", "25:00", "2026-13-01", "nan", "1e30", "-2h"):
            error = self.assertRaises(ValueError, unix_time, text, NOW)
            self.assertIn("is not a time such as", str(error))

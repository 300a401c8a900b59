"""The query log of the real daemon, with either engine."""

import json
from typing import Any
from urllib.request import urlopen

from tests.daemon.watched import WatchedCase, members

POOL = "[pools.mirrors]\n" + members(("127.0.0.11", "127.0.0.12"))


class QueryLogTests(WatchedCase):
    """Every answer is written, with the member that it names."""

    def check_log(self, server: str) -> None:
        """Ask, and read the lines."""
        daemon = self.started(
            POOL + '[query_log]\nfile = "queries.log"\n', server=server
        )
        path = daemon.folder / "queries.log"
        share = daemon.share(50)

        def lines() -> list[dict[str, Any]]:
            text = path.read_text() if path.exists() else ""
            return [json.loads(line) for line in text.splitlines()]

        def drawn() -> list[dict[str, Any]]:
            return [line for line in lines() if line.get("pool") == "mirrors"]

        self.eventually(lambda: len(drawn()) >= 50, daemon)
        named = [line["members"] for line in drawn()]
        self.assertLessEqual({"m1", "m2"}, {name for [name] in named})
        self.assertEqual(sum(share.values()), 50)
        with urlopen(f"{daemon.url}/metrics", timeout=10) as page:
            text = page.read().decode()
        self.assertIn('dinamed_logged_queries_total{outcome="dropped"} 0', text)

    def test_native(self) -> None:
        """With the engine that is the default."""
        self.check_log("")

    def test_python(self) -> None:
        """With the one in Python."""
        self.check_log('threads = "python"')

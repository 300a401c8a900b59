"""`each` in the plane and in the engine: the same odds for every member."""

from collections import Counter
from math import sqrt

import dns.message
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import MemberSettings, PoolSettings, StageSettings, Ttl
from tests.plane.support import Pair
from tests.plans.support import make_zone

CLIENT = bytes((192, 0, 2, 77))
QUESTION = dns.message.make_query("p.example.org.", "A").to_wire()
WEIGHTS = (4.0, 4.0, 3.0, 1.0)
DRAWS = 3000


class EachTests(SynchronousTestCase):
    """Every member by odds of its own."""

    def test_odds(self) -> None:
        """Also behind `shed`, where reports leave all in."""
        members = tuple(
            MemberSettings(name=f"m{n}", addresses=(f"192.0.2.{n}",), weight=weight)
            for n, weight in enumerate(WEIGHTS)
        )
        each, shed = StageSettings("each"), StageSettings("shed", (0.5, 0.9))
        for stages in ((each,), (shed, each)):
            pool = PoolSettings(
                name="p", members=members, select=stages, ttl=Ttl(60, 60)
            )
            zone = make_zone("example.org.", "www A 192.0.2.80\n", {"p": "p"})
            pair = Pair(served=([zone], [pool]))
            for ask in (pair.ask_plane, pair.ask_engine):
                found: Counter[str] = Counter()
                for _ in range(DRAWS):
                    reply = ask(QUESTION, CLIENT)
                    assert reply, stages
                    found.update(
                        str(one) for one in dns.message.from_wire(reply).answer[0]
                    )
                    pair.take_counts()
                for n, weight in enumerate(WEIGHTS):
                    odds = weight / max(WEIGHTS)
                    off = abs(found[f"192.0.2.{n}"] - DRAWS * odds)
                    self.assertLessEqual(off, 5 * sqrt(DRAWS * odds * (1 - odds)))
            self.assertEqual(pair.native, DRAWS)

"""Tests of what servers of a pool tell each other, and what they make of it."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.pools.accounting import PoolAccounting, joined
from dinamed.pools.accounts import MemberAccount
from dinamed.pools.clock import SteadyClock
from dinamed.pools.resolvers import ClientResolver
from dinamed.pools.shared import ForeignHandOuts, SharedLease, SharedResolver

KEY = b"\xc0\x00\x02\x01"


def accounting() -> PoolAccounting:
    """The books of a pool of two members that is shared."""
    made = PoolAccounting(("a", "b"), SteadyClock(0.0))
    made.share()
    return made


def known(books: PoolAccounting, key: bytes, expires: float) -> ClientResolver:
    """A resolver that has come back once, and has an answer now."""
    resolver = books.resolvers.asks(key, None, 0.0, 60.0)
    resolver.expires = 60.0
    resolver = books.resolvers.asks(key, resolver, 62.0, 60.0)
    resolver.expires, resolver.where = expires, (books.account("a"),)
    books.resolvers.keep(key, resolver)
    return resolver


def told(**given: object) -> ForeignHandOuts:
    """What another server tells."""
    whole: dict[str, object] = {
        "counts": {},
        "lapse": 5.0,
        "age": 1.0,
        "leases": (),
        "resolvers": (),
    }
    return ForeignHandOuts(**{**whole, **given})  # type: ignore[arg-type]


class GivenTests(SynchronousTestCase):
    """What a server tells of itself."""

    def test_nothing(self) -> None:
        """Totals of nothing, and no more."""
        given = accounting().given(10, 1.0)
        self.assertEqual(given.totals, {"a": 0, "b": 0})
        self.assertEqual((given.leases, given.resolvers), ((), ()))

    def test_leases_are_told_once(self) -> None:
        """Those that end at about the same time as one."""
        books = accounting()
        books.add("a", 3, 10.0)
        books.lease("a", 2, 0.5, 60.0, 10.0)
        books.lease("a", 1, 0.25, 60.0, 10.2)
        given = books.given(10, 12.0)
        self.assertEqual(given.totals["a"], 3)
        (lease,) = given.leases
        self.assertEqual((lease.member, lease.count), ("a", 3))
        self.assertAlmostEqual(lease.rate, 0.75)
        self.assertLess(abs(lease.left - 58.0), 0.6)
        self.assertEqual(books.given(10, 13.0).leases, ())

    def test_the_heaviest_resolvers(self) -> None:
        """Those with the highest rates, and each answer once."""
        books = accounting()
        for number in range(5):
            resolver = known(books, bytes((10, 0, 0, number)), 122.0)
            resolver.rate = float(number)
        given = books.given(2, 63.0)
        self.assertEqual([one.key[3] for one in given.resolvers], [4, 3])
        self.assertEqual(given.resolvers[0].members, ("a",))
        self.assertAlmostEqual(given.resolvers[0].left, 59.0)
        self.assertEqual(books.given(2, 64.0).resolvers, ())

    def test_what_others_told_is_not_told_again(self) -> None:
        """Neither counts nor leases nor resolvers go round."""
        books = accounting()
        heard = SharedResolver(KEY, 50.0, 2.0, 0.4, 1, ("a",))
        lease = SharedLease("a", 50.0, 1.0, 4)
        books.take(
            told(counts={"a": 9}, leases=(lease,), resolvers=(heard,)), now=100.0
        )
        given = books.given(10, 101.0)
        self.assertEqual(given.totals, {"a": 0, "b": 0})
        self.assertEqual((given.leases, given.resolvers), ((), ()))

    def test_fineness(self) -> None:
        """Leases are joined by time left, and none moves far."""
        account = MemberAccount("a")
        journal = {(account, end): [1.0, 1.0] for end in range(1, 1000)}
        leases = joined(journal, 1.0, 0.0)
        self.assertLess(len(leases), 100)
        self.assertEqual(sum(lease.count for lease in leases), 999)
        self.assertAlmostEqual(
            sum(lease.rate * lease.left for lease in leases), sum(range(1, 1000))
        )


class TakeTests(SynchronousTestCase):
    """What a server makes of what another tells."""

    def test_counts_stand_apart(self) -> None:
        """They are unseen, but not among one's own."""
        books = accounting()
        books.add("a", 2, 99.0)
        books.take(told(counts={"a": 9, "strange": 4}), now=100.0)
        account = books.account("a")
        self.assertEqual((account.total, account.pending), (2, 2))
        self.assertEqual((account.foreign, account.unseen), (9, 11))

    def test_a_report_shows_them(self) -> None:
        """As far as they were before it; late ones are learned from all the same."""
        books = accounting()
        books.take(told(counts={"a": 10}), now=100.0)  # from 94 to 99
        books.reported("a", 96.5, 1.0)
        self.assertAlmostEqual(books.account("a").foreign, 5.0)
        books.take(told(counts={"a": 10}, age=5.0), now=100.0)  # from 90 to 95
        self.assertAlmostEqual(books.account("a").foreign, 5.0)
        self.assertAlmostEqual(books.account("a").late, 10.0)
        books.reported("a", 100.0, 1.0)
        self.assertEqual((books.account("a").foreign, books.account("a").late), (0, 0))

    def test_leases(self) -> None:
        """They bring clients until their end."""
        books = accounting()
        books.take(told(leases=(SharedLease("b", 41.0, 2.0, 3),)), now=100.0)
        account = books.account("b")
        self.assertEqual((account.live, account.rate), (3, 2.0))
        self.assertAlmostEqual(books.leases.due(account, 100.0), 80.0)
        books.leases.advance(141.0)
        self.assertEqual((account.live, account.rate), (0, 0.0))

    def test_a_resolver(self) -> None:
        """It has that answer here too, and that rate."""
        books = accounting()
        books.take(told(resolvers=(SharedResolver(KEY, 50.0, 2.0, 0.4, 1, ("b",)),)), 9)
        found = books.resolvers.get(KEY)
        assert found is not None
        self.assertEqual((found.rate, found.gap, found.known), (0.4, 2.0, True))
        self.assertAlmostEqual(found.expires, 9.0 - 1.0 + 50.0)
        self.assertEqual(found.where, (books.account("b"),))
        self.assertAlmostEqual(books.resolvers.mean_rate, 0.4)

    def test_an_older_answer(self) -> None:
        """It is not taken over one's own."""
        books = accounting()
        known(books, KEY, 122.0)
        before = books.resolvers.get(KEY)
        assert before is not None
        rate = before.rate
        news = told(resolvers=(SharedResolver(KEY, 50.0, 2.0, 0.4, 1, ("b",)),))
        books.take(news, now=63.0)
        self.assertEqual((before.rate, before.expires), (rate, 122.0))

    def test_hearing(self) -> None:
        """After three publications that did not come it is as if one were alone."""
        books = accounting()
        self.assertFalse(books.hears(100.0))
        books.take(told(lapse=10.0), now=100.0)
        self.assertTrue(books.hears(129.0))
        self.assertFalse(books.hears(131.0))

    def test_two_flows(self) -> None:
        """Alone a transfer looks as much larger as one sees too few of them."""
        books, load = accounting(), 0.0
        books.reported("a", 0.0, load)
        for number in range(1, 200):
            now = 10.0 * number
            books.add("a", 10, now - 5.0)
            books.take(told(counts={"a": 30}, lapse=10.0), now=now)
            load = load * 0.9672 + 0.4
            books.reported("a", now, load)
        together = books.flow_at(1990.0).value(100.0)
        alone = books.flow_at(5000.0).value(100.0)
        self.assertLess(abs(together - 0.01), 0.002)
        self.assertLess(abs(alone / together - 4.0), 0.8)

    def test_memory(self) -> None:
        """However many hand-outs no report shows, they take a bounded memory."""
        books = accounting()
        for second in range(1000):
            books.take(told(counts={"a": 1}), now=100.0 + 5 * second)
        self.assertAlmostEqual(books.account("a").foreign, 1000)
        self.assertLessEqual(len(books.account("a")._foreign), 64)

"""What denies names in a zone that is signed here stays in the plane over the hours."""

from dataclasses import replace

import dns.message
import dns.rcode
import dns.rdatatype
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.denial import Denial
from dinamed.dnssec.grid import HOUR, Grid
from dinamed.dnssec.online import OnlineZone
from dinamed.dnssec.signatures import Signatures
from dinamed.dnssec.signing import ZoneSigner
from dinamed.plane.link_renewal import AT_ONCE, LinkRenewal
from dinamed.zones.virtual import Names
from tests.dnssec.support import NOW, fixed_key, keyset
from tests.plane.support import Pair
from tests.plane.test_agreement import CLIENT
from tests.plane.test_presigned import ask, sections
from tests.plans.support import make_zone

NAMES = 2 * AT_ONCE
GRID = Grid(12 * HOUR)
KEYS = keyset(fixed_key())
OTHERS = keyset(fixed_key(number=8))


class SignedLinksTests(SynchronousTestCase):
    """A small zone, and a clock that is set from hour to hour."""

    def setUp(self) -> None:
        text = "".join(f"n{number:03} IN A 192.0.2.1\n" for number in range(NAMES))
        self.zone = make_zone("example.org.", text, {})
        self.pair = Pair(served=([self.zone], []))
        self.now = NOW
        self.signatures = Signatures()
        signer = ZoneSigner(
            self.zone.origin, KEYS, GRID, self.signatures, lambda: self.now
        )
        denial = Denial(Names(self.zone), {}, KEYS.rrsets())
        self.online = OnlineZone(signer, denial, KEYS.rrsets())
        self.serve(self.online)
        self.renewal = LinkRenewal(self.pair.bench.engine, self.pair.plane)

    def serve(self, online: OnlineZone) -> None:
        """As a refresh does."""
        engine = self.pair.bench.engine
        known = {self.zone.origin: online}
        engine.serve(replace(engine.snapshot, online=known, secured=known))
        self.pair.plane.serve(self.pair.tables())

    def flood(self, hour: int) -> None:
        """Ask for a name in each gap, which is denied alike by both engines."""
        for number in range(NAMES):
            data = ask(f"n{number:03}-{hour}", "A")
            reply = self.pair.ask_plane(data, CLIENT)
            assert reply is not None
            theirs = self.pair.ask_engine(data, CLIENT)
            assert theirs is not None
            self.assertEqual(sections(reply), sections(theirs))
            self.assertEqual(dns.message.from_wire(reply).rcode(), dns.rcode.NXDOMAIN)

    def expirations(self) -> set[int]:
        """Those of the proofs in the gaps."""
        found: set[int] = set()
        for number in range(NAMES):
            reply = self.pair.ask_plane(ask(f"n{number:03}-", "A"), CLIENT)
            assert reply is not None
            for rrset in dns.message.from_wire(reply).authority:
                if rrset.rdtype == dns.rdatatype.RRSIG:
                    found.update(one.expiration for one in rrset)
        return found

    def test_hours(self) -> None:
        """A flood of names reaches neither Python nor a key but in the first hour."""
        self.flood(0)
        installed = self.pair.installed
        self.assertGreater(installed, NAMES // 2)
        for hour in range(1, 2 * GRID.period // HOUR):
            self.now += HOUR
            made = self.signatures.made
            for _ in range(1 + NAMES // AT_ONCE):
                self.renewal.go_on(self.now)
            self.serve(self.online)
            renewed = self.signatures.made - made
            self.assertLess(renewed, NAMES)
            made = self.signatures.made
            self.flood(hour)
            self.assertEqual(self.pair.installed, installed)
            self.assertEqual(self.signatures.made, made)
            # None is near its end.
            reserve = self.now + GRID.reserve
            self.assertGreater(min(self.expirations()), reserve)

    def test_in_turns(self) -> None:
        """Many proofs are renewed a few at a time; those before stay in use."""
        self.flood(0)
        installed = self.pair.installed
        self.now += GRID.period
        self.renewal.go_on(self.now)
        made = self.signatures.made
        self.renewal.go_on(self.now)
        self.assertEqual(self.signatures.made - made, AT_ONCE)
        self.expirations()
        self.assertEqual(self.pair.installed, installed)

    def test_other_key(self) -> None:
        """What another key has signed is not given out."""
        self.flood(0)
        signer = ZoneSigner(
            self.zone.origin, OTHERS, GRID, self.signatures, lambda: self.now
        )
        denial = self.online.denial.with_apex(OTHERS.rrsets())
        self.assertTrue(self.online.denies_like(self.online))
        other = OnlineZone(signer, denial, OTHERS.rrsets())
        self.assertFalse(other.denies_like(self.online))
        self.serve(other)
        self.flood(1)

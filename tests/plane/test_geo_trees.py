"""Classes of clients: as the locator in Python tells places and scopes."""

import os
import random
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.places import Geo
from dinamed.geo.database import open_database
from dinamed.geo.files import load_geo
from dinamed.geo.locator import Locator
from dinamed.geo.place import Place
from dinamed.geo.prefixes import Network, PrefixTable
from dinamed.plane import table_compiler
from dinamed.plane.table_compiler import TableCompiler
from dinamed.plans.context import packed
from tests.geo.mmdb import database
from tests.geo.sources import addresses, cut, networks
from tests.plane.support import Pair, need_plane
from tests.plane.test_agreement import CLIENT, _option, ask
from tests.plans.test_places import NETWORKS

try:
    import maxminddb
except ImportError:
    maxminddb = None  # type: ignore[assignment]

COUNTRIES = ("DE", "FR", "US", "JP")


class Case(SynchronousTestCase):
    """Needs the reader of databases."""

    skip = None if maxminddb else "needs the package maxminddb"

    def written(self, data: bytes) -> str:
        """The path of a new file."""
        path = os.path.join(self.mktemp(), "geo.mmdb")
        os.makedirs(os.path.dirname(path))
        with open(path, "wb") as file:
            file.write(data)
        return path


class ClassTests(Case):
    """The native look-up beside the locator."""

    def setUp(self) -> None:
        need_plane()

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(networks(), unique=True, max_size=6),
        st.lists(
            st.tuples(
                st.lists(networks(), unique=True, min_size=1, max_size=6),
                st.sampled_from([24, 28, 32]),
                st.booleans(),
            ),
            max_size=2,
        ),
        st.lists(addresses(), min_size=1, max_size=12),
        st.randoms(),
    )
    def test_like_the_locator(
        self,
        own: list[Network],
        files: list[tuple[list[Network], int, bool]],
        asked: list[bytes],
        rng: random.Random,
    ) -> None:
        """Those of one class are at one place, and scopes are the same."""
        table = PrefixTable((network, Place(network=str(network))) for network in own)
        databases = []
        for inside, bits, v6 in files:
            records = {
                str(network): {"country": {"iso_code": rng.choice(COUNTRIES)}}
                for network in inside
                if v6 or network.version == 4
            }
            version = 6 if v6 else 4
            path = self.written(database(records, record_size=bits, ip_version=version))
            databases.append(open_database(path, compiled=rng.choice((None, False))))
        locator = Locator(table, databases)
        places = TableCompiler(2, rng)._geo_trees(locator)
        assert places is not None
        known: dict[tuple[int, ...], Place] = {}
        for address in asked:
            whole = len(address) * 8
            for prefix in {whole, rng.randint(1, whole), rng.randint(1, whole)}:
                client = cut(address, prefix)
                place, scope = locator.locate(client, prefix)
                sources = locator.sources_for(client, prefix)
                assert sources is not None
                class_, found = places.look_up(client, prefix, sources)
                self.assertEqual(min(found, prefix), scope, (client, prefix))
                self.assertEqual(known.setdefault(class_, place), place)

    def test_bad(self) -> None:
        """Trees that are none are refused."""
        native = table_compiler.native
        none = native.Prefixes([])
        for tree in ((bytes(60), 10, 25, True), (bytes(59), 10, 24, True)):
            with self.assertRaises(ValueError):
                native.GeoTrees(none, none, [tree])
        with self.assertRaises(ValueError):
            native.GeoTrees(none, none, [(bytes(60), 10, 24, True)] * 8)
        places = native.GeoTrees(none, none, [(bytes(60), 10, 24, True)])
        for address, prefix, asked in ((b"1", 1, 1), (b"1234", 33, 1), (b"1234", 1, 3)):
            with self.assertRaises(ValueError):
                places.look_up(address, prefix, asked)
        # A tree that leads round in a circle ends with the address.
        self.assertEqual(places.look_up(bytes(16), 128, 2), ((0, 0), 128))


class AnswersTests(Case):
    """A plane and an engine with the same databases."""

    def setUp(self) -> None:
        self.pair = Pair()
        records = {
            "192.0.2.0/25": {"country": {"iso_code": "DE"}},
            "198.51.100.0/24": {"location": {"latitude": 40.0, "longitude": -74.0}},
            "10.0.0.0/8": {"country": {"iso_code": "US"}},
            "10.128.0.0/9": {
                "country": {"iso_code": "JP"},
                "autonomous_system_number": 1,
            },
            "2001:db8::/32": {"country": {"iso_code": "FR"}},
        }
        self.serve({**records})

    def serve(self, records: dict[str, object]) -> None:
        """Know places by another database."""
        path = self.written(database(records))
        engine = self.pair.bench.engine
        locator = load_geo(Geo(networks=NETWORKS, databases=(path,))).locator
        engine.serve(engine.snapshot.with_locator(locator))
        self.pair.plane.serve(self.pair.tables())

    def asked(self, left: str, address: bytes, bits: int) -> bytes:
        """A query with a client subnet."""
        family = 1 if len(address) == 4 else 2
        sent = cut(address, bits)[: (bits + 7) // 8]
        option = _option(8, bytes((0, family, bits, 0)) + sent)
        data = bytearray(ask(left))
        data[11] = 1
        data += bytes.fromhex("00002904d000000000") + bytes((0, len(option)))
        return bytes(data + option)

    def check(self, rng: random.Random, count: int) -> None:
        """Clients from anywhere get what the engine gives them, scope and all."""
        for _ in range(count):
            left = rng.choice(("placed", "near", "net"))
            if rng.random() < 0.3:
                head = rng.choice(
                    ("20010db8", "2001000041", "2002c000", "0064ff9b" + "00" * 8)
                )
                address = (bytes.fromhex(head) + rng.randbytes(16))[:16]
                bits = rng.choice((0, 16, 20, 32, 48, 56, 100, 128))
            else:
                head = rng.choice(("c00002", "c63364", "0a", "cb0071", ""))
                address = (bytes.fromhex(head) + rng.randbytes(4))[:4]
                bits = rng.choice((0, 8, 20, 24, 25, 32))
            data = self.asked(left, address, bits)
            told = self.pair.ask_plane(data, CLIENT)
            self.assertEqual(told, self.pair.ask_engine(data, CLIENT), (address, bits))
            data = ask(left)
            told = self.pair.ask_plane(data, address)
            self.assertEqual(told, self.pair.ask_engine(data, address))

    def test_many_clients(self) -> None:
        """Python is asked for each class, not for each client."""
        self.check(random.Random(3), 3000)
        self.assertEqual(self.pair.left, 0)
        self.assertLess(self.pair.installed, 80)

    def test_another_database(self) -> None:
        """Afterwards everyone is where the new one says."""
        rng = random.Random(4)
        self.check(rng, 300)
        self.serve({"10.0.0.0/8": {"country": {"iso_code": "DE"}}})
        self.check(rng, 300)

    def test_no_places(self) -> None:
        """Where nobody knows anything all are of one class."""
        engine = self.pair.bench.engine
        engine.serve(replace(engine.snapshot, locator=Locator()))
        self.pair.plane.serve(self.pair.tables())
        self.check(random.Random(5), 500)
        self.assertLess(self.pair.installed, 12)

    def test_forgetting(self) -> None:
        """When there are too many classes all are learned anew."""
        engine = self.pair.bench.engine
        rng = random.Random(6)
        records: dict[str, object] = {
            f"10.{n // 256}.{n % 256}.0/24": {
                "country": {"iso_code": rng.choice(COUNTRIES)},
                "autonomous_system_number": n,
            }
            for n in range(60)
        }
        self.serve(records)
        plain = table_compiler.native.Tables
        tables = self.pair.tables

        def small(*args: object, **named: object) -> object:
            return plain(*args, **named, slots=8)  # type: ignore[arg-type]

        self.patch(table_compiler.native, "Tables", small)
        self.pair.plane.serve(tables())
        for n in range(60):
            data = ask("net")
            source = bytes((10, n // 256, n % 256, 7))
            self.assertEqual(
                self.pair.ask_plane(data, source),
                engine.respond(data, packed(f"10.0.{n}.7")),
            )
        self.assertGreater(self.pair.plane.retired, 1)

"""Health, distance and strange labels of geodns's zones, as they are served."""

import json
from typing import Any

from dinamed.config.checks import StatusCheck
from dinamed.config.settings import StageSettings
from dinamed.formats.imported import Imported
from dinamed.formats.importers import import_geodns
from tests.formats.served import ServedTestCase, ask, ask_often
from tests.formats.support import ORIGIN, told

NS = {"ns": ["ns1.example.net."]}
CONFIG = '[zones."example.org"]\ngeodns = "z.json"\n'


class ImportTests(ServedTestCase):
    """What is made of labels."""

    def made(self, data: dict[str, Any], health: str | None = None) -> Imported:
        """Import a zone of these labels."""
        path = self.write("z.json", json.dumps({"data": {"": NS, **data}}))
        return import_geodns(path, ORIGIN, health)

    def test_health(self) -> None:
        """Records with keys of status files are checked, where the label wants it."""
        a = [{"ip": "192.0.2.1", "health": "pop/www"}, ["192.0.2.2"]]
        data = {"w": {"a": a, "health": {"type": "file"}}, "x": {"a": a}}
        made = self.made(data, "/var/status")
        w, x = made.pools
        check = StatusCheck(
            directory="/var/status",
            keys=(("192.0.2.1", "pop/www"),),
            interval=2.0,
            rise=1,
            fall=1,
        )
        self.assertEqual((w.check, x.check), ((check,), ()))
        self.assertEqual(made.warnings, ())

    def test_weight_of_none(self) -> None:
        """Records of weight 0 fill up what the others leave of an answer."""
        mx = [{"mx": f"m{n}.", "weight": n // 2} for n in range(5)]
        engine = self.serve(
            {
                "z.json": json.dumps(
                    {
                        "max_hosts": 4,
                        "data": {
                            "": NS,
                            "w": {"mx": mx},
                            "o": {"mx": mx, "max_hosts": 1},
                            "t": {"txt": [{"txt": "a", "weight": 0}, "b"]},
                            "s": {"srv": [{"target": "a."}, {"target": "b."}]},
                        },
                    }
                )
            },
            CONFIG,
        )

        def given(name: str, rrtype: str) -> set[int]:
            asked = (ask(engine, f"{name}.example.org.", rrtype) for _ in range(40))
            return {len(answer.data) for answer in asked}

        self.assertEqual(given("w", "MX"), {4})
        self.assertEqual(given("o", "MX"), {1})
        self.assertEqual(given("t", "TXT"), {2})
        self.assertEqual(given("s", "SRV"), {2})
        seen = ask_often(engine, "o.example.org.", "MX")
        self.assertNotIn("0 m0.", " ".join(map(str, seen.data)))

    def test_health_that_is_not_followed(self) -> None:
        """What can't be followed is told, and everybody is in."""
        label = {
            "a": [{"ip": "192.0.2.1", "health": "pop"}],
            "mx": [{"mx": "m.", "health": "pop/mx"}],
            "health": {"type": "file"},
        }
        key = {"a": [{"ip": "192.0.2.1", "health": "pop/x"}], "health": {"name": "x"}}
        nobody = {"a": [["192.0.2.1"]], "health": {"type": "tcp"}}
        made = self.made({"w": label, "x": key, "y": nobody})
        self.assertEqual(
            told(list(made.warnings)),
            [
                '1: "w": health of 192.0.2.1: expected FILE/KEY, got "pop"',
                '1: "w": health is followed for addresses alone',
                '1: "x": health: no folder of status files is known',
                '1: "y": health: no record says whose; all are in',
            ],
        )
        self.assertEqual([pool.check for pool in made.pools], [(), (), ()])

    def test_warnings(self) -> None:
        """Labels that mean something else in the DNS are told."""
        made = self.made(
            {
                "*": {"a": [["192.0.2.1"]]},
                "sub": {"ns": ["ns.sub.example.org."]},
                "w": {"a": [["192.0.2.1", 5], ["192.0.2.2", 0]]},
            }
        )
        self.assertEqual(
            told(list(made.warnings)),
            [
                '1: "*": is a wildcard here',
                '1: "sub": delegates the name: what lies below is not answered',
                '1: "w": 192.0.2.2 has weight 0, and is never given',
            ],
        )

    def test_closest(self) -> None:
        """The nearest are preferred where there are more than an answer has."""
        three = [["192.0.2.1"], ["192.0.2.129"], ["203.0.113.1"]]
        made = self.made({"w": {"a": three, "closest": True}, "x": {"a": three}})
        w, x = made.pools
        self.assertEqual(
            w.select, (StageSettings("nearest", 2), StageSettings("weighted"))
        )
        self.assertEqual(x.select, (StageSettings("weighted"),))
        self.assertEqual(made.closest, frozenset({"example.org:w"}))


class ServedTests(ServedTestCase):
    """What clients get."""

    def test_closest(self) -> None:
        """Hosts are where the networks and databases of the config say."""
        labels = {
            "": NS,
            "w": {
                "a": [["192.0.2.1"], ["203.0.113.1"]],
                "closest": True,
                "max_hosts": 1,
            },
        }
        places = (
            '[geo.networks]\n"192.0.2.0/24" = { location = [50.0, 8.0] }\n'
            '"203.0.113.0/24" = { location = [35.0, 139.0] }\n'
            '"198.51.100.0/24" = { location = [48.0, 2.0] }\n'
        )
        self.networks = places
        engine = self.serve({"z.json": json.dumps({"data": labels})}, CONFIG)
        answer = ask_often(engine, "w.example.org.", "A", "198.51.100.0/24")
        self.assertEqual(answer.data, {"192.0.2.1"})
        answer = ask_often(engine, "w.example.org.", "A", "203.0.113.0/24")
        self.assertEqual(answer.data, {"203.0.113.1"})

    def test_alias_loops_through_targets(self) -> None:
        """Aliases that come round by targets end as NODATA."""
        labels = {
            "": NS,
            "a": {"alias": "b"},
            "b": {"alias": "c"},
            "b.europe": {"alias": "a"},
            "c.europe": {"alias": "a"},
        }
        engine = self.serve({"z.json": json.dumps({"data": labels})}, CONFIG)
        answer = ask(engine, "a.example.org.", "A", "192.0.2.0/25")
        self.assertEqual((answer.rcode, answer.data), ("NOERROR", frozenset()))

    def test_delegation(self) -> None:
        """NS below the apex delegates."""
        labels = {"": NS, "sub": {"ns": ["ns.example.net."]}}
        engine = self.serve({"z.json": json.dumps({"data": labels})}, CONFIG)
        answer = ask(engine, "x.sub.example.org.", "A")
        self.assertEqual((answer.rcode, answer.data), ("NOERROR", frozenset()))

    def test_problems(self) -> None:
        """Problems of the file are those of the config, with its name."""
        self.assertEqual(
            self.refused({"z.json": '{"data":\n{"w": {"a": 5}}}'}, CONFIG),
            ['z.json:2: "w" a: expected a list, got 5'],
        )

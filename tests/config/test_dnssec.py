"""Tests for `dnssec` in the config: what it takes, and what is warned of."""

import os

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.check import load_all
from dinamed.config.dnssec import Dnssec

ZONE = """\
$TTL 300
@ SOA ns1 hostmaster 1 7200 900 {expire} 60
@ NS ns1
ns1 A 192.0.2.1
"""
CONFIG = """\
[server]
{server}
{defaults}
[zones."example.org"]
file = "zone"
dnssec = {dnssec}
{more}
[zones."example.org".names]
ftp = "mirrors"
[pools.mirrors]
answers = {answers}
"""
STATE = 'state = "state"'


class DnssecConfigTests(SynchronousTestCase):
    """One zone, in many configs."""

    def load(
        self,
        dnssec: str,
        server: str = STATE,
        defaults: str = "",
        more: str = "",
        zone: str = "",
        expire: int = 3600,
        answers: int = 1,
        members: int = 1,
    ) -> tuple[Dnssec | None, list[str], list[str]]:
        """What was read, what was refused, and what was warned of."""
        folder = self.mktemp()
        os.makedirs(folder)
        path = os.path.join(folder, "dinamed.toml")
        text = CONFIG.format(
            server=server, defaults=defaults, dnssec=dnssec, more=more, answers=answers
        )
        for number in range(members):
            text += f'[[pools.mirrors.members]]\nname = "m{number}"\n'
            text += f'addresses = ["192.0.2.{number + 1}"]\n'
        with open(path, "w") as file:
            file.write(text)
        with open(os.path.join(folder, "zone"), "w") as file:
            file.write(ZONE.format(expire=expire) + zone)
        found = load_all(path)
        settings = found.settings
        return (
            None if settings is None else settings.zones[0].dnssec,
            [f"{one.key}: {one.message}" for one in found.problems],
            [one.message for one in found.warnings if "dnssec" in one.key],
        )

    def test_true_and_false(self) -> None:
        """One word is enough."""
        self.assertEqual(self.load("true"), (Dnssec(), [], []))
        self.assertEqual(self.load("false"), (None, [], []))

    def test_table(self) -> None:
        """A table lies over the defaults, which lie over ours."""
        dnssec, problems, _ = self.load(
            '{ algorithm = "ed25519", lifetime = "1w" }',
            defaults='[dnssec]\nvalidity = "30d"\nparent = ["192.0.2.1"]\n',
        )
        self.assertEqual(problems, [])
        expected = Dnssec(
            algorithm="ed25519",
            lifetime=7 * 86400,
            validity=30 * 86400,
            parent=("192.0.2.1",),
        )
        self.assertEqual(dnssec, expected)

    def test_refused(self) -> None:
        """Each of these has its message."""
        cases = {
            '"yes"': "expected true, false or a table",
            '{ algorithm = "rsa" }': "ecdsap256sha256",
            "{ validity = 60 }": "14400",
            "{ lifetime = 60 }": "",
            '{ parent = ["ns.example"] }': "is not an IPv4 or IPv6 address",
            '{ kyes = "x" }': 'did you mean "keys"?',
        }
        for text, words in cases.items():
            with self.subTest(text=text):
                _, problems, _ = self.load(text)
                self.assertEqual(len(problems), 1, problems)
                self.assertIn("dnssec", problems[0])
                self.assertIn(words, problems[0])

    def test_nowhere_to_keep_keys(self) -> None:
        """Without a folder the key would be lost."""
        _, problems, _ = self.load("true", server="")
        self.assertEqual(len(problems), 1)
        self.assertIn("would be lost", problems[0])
        self.assertEqual(self.load('{ keys = "keys" }', server="")[1], [])

    def test_warnings(self) -> None:
        """What is served, and is most likely not what was meant."""
        key = "aa" * 32
        cases: list[tuple[dict[str, object], str]] = [
            ({"zone": f"@ DS 1 13 2 {key}\n"}, "belongs into the parent's zone"),
            ({"zone": "x 999999 A 192.0.2.1\n"}, "but a TTL is"),
            (
                {"more": 'transfer = ["192.0.2.1"]', "expire": 1209600},
                "validity should be 57d",
            ),
            ({"answers": 4, "members": 40}, "91390 sets"),
        ]
        for how, words in cases:
            with self.subTest(words=words):
                _, problems, warnings = self.load("true", **how)  # type: ignore[arg-type]
                self.assertEqual(problems, [])
                self.assertEqual(len(warnings), 1, warnings)
                self.assertIn(words, warnings[0])

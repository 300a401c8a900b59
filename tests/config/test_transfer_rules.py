"""Keys, and the transfer, notify, primary and update of zones."""

import os

from dinamed.config.transfers import Grant, KeySettings, Primary
from tests.config.folder import FolderTestCase

KEYS = """\
[keys.ours]
secret = "c2VjcmV0"
"""
ZONE = """\
[zones."example.org"]
file = "a.zone"
"""
HERE = 'zones."example.org"'


class KeyTests(FolderTestCase):
    """`[keys.NAME]`."""

    def test_read(self) -> None:
        """Names are folded; files may hold what tsig-keygen prints."""
        plain = self.write("plain.key", "c2VjcmV0\n")
        clause = self.write("clause.key", 'key "x" {\n\tsecret "c2VjcmV0";\n};\n')
        for path in (plain, clause):
            os.chmod(path, 0o640)
        keys = self.settings(
            KEYS + '[keys."Two.Example."]\nalgorithm = "hmac-sha512"\n'
            'secret_file = "plain.key"\n[keys.three]\nsecret_file = "clause.key"\n'
        ).keys
        self.assertEqual([key.name for key in keys], ["ours", "two.example", "three"])
        self.assertEqual({key.secret for key in keys}, {"c2VjcmV0"})
        self.assertEqual(keys[1].algorithm, "hmac-sha512")

    def test_algorithm_of_a_file(self) -> None:
        """What a clause says of its algorithm holds, and must not be contradicted."""
        clauses = (
            '# two keys\nkey "a" { algorithm HMAC-SHA512; secret "c2VjcmV0"; };\n'
            'key "md." { /* old; */ secret "b3RoZXI="; '
            "algorithm hmac-md5.sig-alg.reg.int; };\n"
        )
        os.chmod(self.write("two.key", clauses), 0o640)
        keys = self.settings(
            "[keys.a]\nsecret_file = 'two.key'\n"
            "[keys.md]\nsecret_file = 'two.key'\nalgorithm = 'hmac-md5'\n"
        ).keys
        told = [(key.algorithm, key.secret) for key in keys]
        expected = [("hmac-sha512", "c2VjcmV0"), ("hmac-md5", "b3RoZXI=")]
        self.assertEqual(told, expected)
        bad = 'key a { algorithm hmac-sha256-128; secret "c2VjcmV0"; };'
        os.chmod(self.write("bad.key", bad), 0o640)
        self.check_table(
            [
                (
                    "[keys.a]\nalgorithm = 'hmac-sha1'\nsecret_file = 'two.key'",
                    [
                        "2: keys.a.algorithm: FOLDER/two.key says hmac-sha512; "
                        "one of them is wrong"
                    ],
                ),
                (
                    "[keys.b]\nsecret_file = 'two.key'",
                    ["2: keys.b.secret_file: FOLDER/two.key has no key b, but a, md"],
                ),
                (
                    "[keys.a]\nsecret_file = 'bad.key'",
                    [
                        "2: keys.a.secret_file: FOLDER/bad.key: hmac-sha256-128 is no "
                        "algorithm here"
                    ],
                ),
            ]
        )

    def test_no_secret_in_text(self) -> None:
        """What is logged of a key, and of a bad one, does not tell the secret."""
        self.assertNotIn("c2VjcmV0", repr(KeySettings(name="ours", secret="c2VjcmV0")))
        told = self.told('[keys.ours]\nsecret = "not base64!"')
        self.assertEqual(told, ["2: keys.ours.secret: the secret is not Base64"])

    def test_problems(self) -> None:
        """What is wrong is told with its line."""
        path = self.write("open.key", "c2VjcmV0")
        os.chmod(path, 0o644)
        self.check_table(
            [
                (
                    "[keys.a]",
                    ["1: keys.a: needs one of secret and secret_file"],
                ),
                (
                    "[keys.a]\nsecret_file = 'open.key'",
                    [
                        "2: keys.a.secret_file: FOLDER/open.key is open to everybody; "
                        "chmod o-rw it"
                    ],
                ),
                (
                    "[keys.a]\nsecret_file = 'none.key'",
                    [
                        "2: keys.a.secret_file: can't read FOLDER/none.key: "
                        "No such file or directory"
                    ],
                ),
                (
                    KEYS + '[keys."OURS."]\nsecret = "YQ=="',
                    ['3: keys."OURS.": the same key as "ours"'],
                ),
            ]
        )


class ZoneTransferTests(FolderTestCase):
    """The keys of a zone."""

    def test_read(self) -> None:
        """Texts are short for tables."""
        zone = self.settings(
            "[server]\nstate = '.'\n" + KEYS + ZONE + "transfer = "
            '["192.0.2.0/24", "key:Ours."]\n'
            'notify = ["192.0.2.7", { address = "[2001:db8::1]:5353", key = "ours" }]\n'
            'update = ["key:ours", { key = "ours", names = ["_acme-challenge.*"], '
            'types = ["txt"] }]\n'
        ).zones[0]
        self.assertEqual(zone.transfer, ("192.0.2.0/24", "key:ours"))
        self.assertEqual(
            [(peer.host, peer.port, peer.key) for peer in zone.notify],
            [("192.0.2.7", 53, None), ("2001:db8::1", 5353, "ours")],
        )
        self.assertEqual(
            zone.update,
            (
                Grant(key="ours"),
                Grant(key="ours", names=("_acme-challenge.*",), types=("TXT",)),
            ),
        )

    def test_secondary(self) -> None:
        """A zone with primaries needs no file."""
        zone = self.settings(
            '[zones."example.org"]\nprimary = ["192.0.2.1:5300"]'
        ).zones[0]
        self.assertEqual(zone.primary, (Primary(address="192.0.2.1:5300"),))

    def test_tls(self) -> None:
        """Over TLS the port is another; what does not go together is told."""
        head = '[zones."example.org"]\nprimary = [{ address = "192.0.2.1", '
        zone = self.settings(head + 'tls = true, server_name = "NS1.example." }]')
        (primary,) = zone.zones[0].primary
        self.assertEqual((primary.port, primary.server_name), (853, "ns1.example"))
        at = 'zones."example.org".primary[0]'
        self.check_table(
            [
                (
                    head + 'ca = "none", server_name = "ns1", verify = false }]',
                    [
                        f"2: {at}.ca: has no use without tls = true",
                        f"2: {at}.ca: can't read FOLDER/none",
                        f"2: {at}.server_name: has no use without tls = true",
                        f"2: {at}.verify: has no use without tls = true",
                    ],
                ),
                (
                    head + 'tls = true, server_name = "ns1", verify = false }]',
                    [f"2: {at}.server_name: has no use with verify = false"],
                ),
                (
                    head + 'tls = true, server_name = "." }]',
                    [f'2: {at}.server_name: "." is not the name of a host'],
                ),
            ]
        )

    def test_problems(self) -> None:
        """Keys that are not there, hosts that are none, updates without a place."""
        head = KEYS + ZONE
        self.check_table(
            [
                (
                    head + 'transfer = ["192.0.2.1/24", "key:our"]',
                    [
                        f"5: {HERE}.transfer[0]: 192.0.2.1/24 has bits beyond the "
                        "prefix; did you mean 192.0.2.0/24?"
                    ],
                ),
                (
                    head + 'transfer = ["key:our"]',
                    [f'5: {HERE}.transfer[0]: no key "our"; did you mean "ours"?'],
                ),
                (
                    head + 'notify = ["ns2.example.net"]',
                    [
                        f'5: {HERE}.notify[0].address: "ns2.example.net" is not an '
                        "IPv4 or IPv6 address"
                    ],
                ),
                (
                    head + 'update = ["192.0.2.1"]',
                    [
                        f'5: {HERE}.update[0]: updates go by keys: expected "key:NAME",'
                        ' got "192.0.2.1"'
                    ],
                ),
                (
                    head + 'update = ["key:ours"]',
                    [
                        f"5: {HERE}.update: what is updated is kept in [server] state, "
                        "which is not set"
                    ],
                ),
                (
                    head + 'primary = ["192.0.2.1"]',
                    [f"5: {HERE}.primary: the zone already comes from file"],
                ),
                (
                    '[server]\nstate = "."\n' + head + 'update = [{ key = "ours", '
                    'types = ["ANY"] }]',
                    [f"7: {HERE}.update[0].types[0]: ANY is not a type of data"],
                ),
            ]
        )

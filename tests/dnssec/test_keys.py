"""Tests for keys and their files."""

import base64
import shutil
import subprocess
import tempfile
from pathlib import Path

import dns.dnssec
import dns.dnssectypes
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.algorithms import PrivateKey, generate
from dinamed.dnssec.key_files import (
    file_stem,
    pkcs8_text,
    private_text,
    public_text,
    read_pair,
    read_pkcs8,
)
from dinamed.dnssec.keys import (
    CSK_FLAGS,
    ZSK_FLAGS,
    Key,
    KeyFault,
    collides,
    ds_text,
    make_key,
)
from dinamed.dnssec.numbers import Algorithm
from dinamed.wire.names import from_text
from tests.daemon.harness import need_tool
from tests.dnssec.support import fixed_key

ZONE = from_text("example.org.")
ALGORITHMS = (Algorithm.ECDSAP256SHA256, Algorithm.ED25519)


def rsa_key(bits: int = 2048) -> PrivateKey:
    """A new RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


class RecordTests(SynchronousTestCase):
    """DNSKEY, tag and DS, as dnspython has them."""

    def test_tag_and_ds(self) -> None:
        """The tag and the DS of keys of all algorithms are those of dnspython."""
        keys = [make_key(ZONE, algorithm) for algorithm in ALGORITHMS]
        keys.append(Key(ZONE, ZSK_FLAGS, Algorithm.RSASHA256, rsa_key()))
        for key in keys:
            theirs = dns.rdata.from_wire(
                dns.rdataclass.IN,
                dns.rdatatype.DNSKEY,
                key.dnskey,
                0,
                len(key.dnskey),
            )
            assert isinstance(theirs, DNSKEY)
            self.assertEqual(key.tag, dns.dnssec.key_id(theirs))
            ds = dns.dnssec.make_ds(
                dns.name.from_text("example.org."),
                theirs,
                dns.dnssectypes.DSDigest.SHA256,
            )
            self.assertEqual(key.ds, ds.to_wire())

    def test_ds_text(self) -> None:
        """A DS line reads back as the same record."""
        key = fixed_key()
        words = ds_text(ZONE, key.ds).split()
        self.assertEqual(words[:3], ["example.org.", "IN", "DS"])
        again = dns.rdata.from_text("IN", "DS", " ".join(words[3:]))
        self.assertEqual(again.to_wire(), key.ds)

    def test_collisions(self) -> None:
        """A tag collides with itself, and with itself in its revoked form."""
        self.assertTrue(collides(5, [5]))
        self.assertTrue(collides(5 + 128, [5]))
        self.assertTrue(collides(5, [5 + 128]))
        self.assertFalse(collides(5, [6, 132]))

    def test_new_key_avoids_tags(self) -> None:
        """Keys are made until one has a tag of its own."""
        first, second = fixed_key(number=1), fixed_key(number=2)
        stock = iter([first.private, first.private, second.private])
        made = make_key(
            ZONE, Algorithm.ECDSAP256SHA256, [first.tag], generate=lambda _: next(stock)
        )
        self.assertEqual(made.tag, second.tag)

    def test_no_tag_is_free(self) -> None:
        """A source of keys that gives one key alone is a fault, not a loop."""
        key = fixed_key()
        with self.assertRaises(KeyFault):
            make_key(ZONE, key.algorithm, [key.tag], generate=lambda _: key.private)

    def test_same_signature(self) -> None:
        """The same octets have the same signature each time (RFC 6979)."""
        key = fixed_key()
        self.assertEqual(key.sign(b"octets"), fixed_key().sign(b"octets"))
        self.assertEqual(len(key.sign(b"octets")), 64)


class FileTests(SynchronousTestCase):
    """Key pairs in files."""

    def test_there_and_back(self) -> None:
        """What is written reads back as the same key, with its times."""
        keys = [make_key(ZONE, algorithm) for algorithm in ALGORITHMS]
        keys.append(Key(ZONE, ZSK_FLAGS, Algorithm.RSASHA512, rsa_key()))
        for key in keys:
            times = {"Created": 1_700_000_000.0}
            again, told = read_pair(public_text(key, times), private_text(key, times))
            self.assertEqual(again.dnskey, key.dnskey)
            self.assertEqual(again.zone, key.zone)
            self.assertEqual(told, times)

    def test_pkcs8(self) -> None:
        """PEM there and back; the flags come from whoever asks."""
        key = make_key(ZONE, Algorithm.ED25519)
        again = read_pkcs8(ZONE, pkcs8_text(key).encode(), CSK_FLAGS, None)
        self.assertEqual(again.dnskey, key.dnskey)

    def test_not_a_pair(self) -> None:
        """Files of two keys, other algorithms, and damage each have their message."""
        one, two = fixed_key(number=1), fixed_key(number=2)
        other = make_key(ZONE, Algorithm.ED25519)
        cases = [
            (public_text(one), private_text(two), "not of one pair"),
            (public_text(other), private_text(one), "algorithm 15 in the .key file"),
            ("", private_text(one), "no DNSKEY"),
            (public_text(one), "", "no private key"),
            (public_text(one), private_text(one)[:60], "the key has no PrivateKey"),
            (
                public_text(one),
                private_text(one).replace("Algorithm: 13", "Algorithm: 5"),
                "is not known here",
            ),
            (
                public_text(one).replace(" 257 ", " 385 "),
                private_text(one),
                "flags 385",
            ),
            (
                public_text(one),
                "Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: AAAA\n",
                "damaged: 3 octets",
            ),
        ]
        for public, private, message in cases:
            with self.assertRaises(KeyFault) as raised:
                read_pair(public, private)
            self.assertIn(message, str(raised.exception))

    def test_bad_pem(self) -> None:
        """Other things than private keys, and kinds that do not sign zones."""
        for data in (b"", b"-----BEGIN x-----", b"\x30\x03\x02\x01\x00"):
            with self.assertRaises(KeyFault):
                read_pkcs8(ZONE, data, CSK_FLAGS, None)

    def test_made_by_bind(self) -> None:
        """Keys of dnssec-keygen have the tag that their file names tell."""
        tool = need_tool("dnssec-keygen")
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        for name in ("ECDSAP256SHA256", "ED25519", "RSASHA256"):
            made = subprocess.run(
                [tool, "-q", "-K", folder, "-a", name, "-f", "KSK", "example.org"],
                capture_output=True,
                check=True,
                text=True,
            )
            stem = made.stdout.strip()
            path = Path(folder, stem)
            key, times = read_pair(
                path.with_name(f"{stem}.key").read_text(),
                path.with_name(f"{stem}.private").read_text(),
            )
            self.assertEqual(file_stem(key), stem)
            self.assertIn("Created", times)
            self.assertTrue(key.secure_entry)

    def test_read_by_bind(self) -> None:
        """dnssec-dsfromkey makes of our file the DS that we tell."""
        tool = need_tool("dnssec-dsfromkey")
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        for algorithm in ALGORITHMS:
            key = make_key(ZONE, algorithm)
            path = Path(folder, f"{file_stem(key)}.key")
            path.write_text(public_text(key))
            told = subprocess.run(
                [tool, "-2", str(path)], capture_output=True, check=True, text=True
            )
            self.assertEqual(told.stdout.split(), ds_text(ZONE, key.ds).split())


class GenerateTests(SynchronousTestCase):
    """New private keys."""

    def test_kinds(self) -> None:
        """Each algorithm has its kind; RSA keys are not made."""
        self.assertIsInstance(generate(Algorithm.ED25519), ed25519.Ed25519PrivateKey)
        with self.assertRaises(ValueError):
            generate(Algorithm.RSASHA256)

    def test_base64_of_secret(self) -> None:
        """The secret of P-256 is 32 octets, with its leading zeros."""
        text = private_text(fixed_key(number=9))
        (line,) = [one for one in text.splitlines() if one.startswith("PrivateKey")]
        self.assertEqual(base64.b64decode(line.split()[1]), (9).to_bytes(32, "big"))

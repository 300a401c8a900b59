"""Tests for `dinamed dnssec` on the files, without a server."""

import io
import json
import os
import stat
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from dinamed.cli import main
from dinamed.dnssec.key_files import file_stem, pkcs8_text, private_text, public_text
from dinamed.dnssec.keys import ds_text
from tests.dnssec.support import fixed_key

ZONE = """\
$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 60
@ NS ns1
ns1 A 192.0.2.1
"""
CONFIG = """\
[server]
http = "127.0.0.1:1"
state = "state"
[zones."example.org"]
file = "zone"
dnssec = true
[zones."example.net"]
file = "zone"
"""


class DnssecCommandTests(SynchronousTestCase):
    """One folder with a config, and no server."""

    def setUp(self) -> None:
        self.folder = self.mktemp()
        os.makedirs(self.folder)
        self.write("zone", ZONE)
        self.config = self.write("dinamed.toml", CONFIG)

    def write(self, name: str, text: str) -> str:
        """Write a file of the folder that is for us alone; its path."""
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
        return path

    def run_it(self, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        """Run the command: exit status, output, complaints."""
        out, err = io.StringIO(), io.StringIO()
        given = mock.Mock(buffer=io.BytesIO(stdin))
        with redirect_stdout(out), redirect_stderr(err), mock.patch("sys.stdin", given):
            status = main(["dnssec", *words, "-c", self.config])
        return status, out.getvalue(), err.getvalue()

    def test_make_and_ds(self) -> None:
        """A key is made, readable by us alone; its DS is printed, and nothing else."""
        status, _, err = self.run_it("ds", "example.org")
        self.assertEqual(status, 1)
        self.assertIn("has no key yet", err)
        self.assertEqual(self.run_it("make", "example.org")[0], 0)
        folder = os.path.join(self.folder, "state", "dnssec", "example.org")
        (private,) = [one for one in os.listdir(folder) if one.endswith(".private")]
        mode = os.stat(os.path.join(folder, private)).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        status, out, _ = self.run_it("ds", "example.org")
        self.assertEqual(status, 0)
        (line,) = out.splitlines()
        self.assertRegex(line, r"^example\.org\. IN DS \d+ 13 2 [0-9A-F]{64}$")
        status, _, err = self.run_it("make", "example.org")
        self.assertEqual(status, 1)
        self.assertIn("has a key already", err)

    def test_other_zones(self) -> None:
        """Zones that are not signed, or not there, are told as such."""
        for zone, words in (("example.net", "not signed"), ("x.test", "has no zone")):
            status, _, err = self.run_it("ds", zone)
            self.assertEqual(status, 1)
            self.assertIn(words, err)

    def test_status(self) -> None:
        """What is waited for, for people and for programs."""
        self.run_it("make", "example.org")
        status, out, err = self.run_it("status")
        self.assertEqual(status, 0)
        self.assertIn("no server answers", err)
        self.assertIn("example.org. signed", out)
        self.assertIn("waits for caches to forget", out)
        (told,) = json.loads(self.run_it("status", "--json")[1])
        self.assertTrue(told["signed"])
        self.assertEqual(told["keys"][0]["kind"], "CSK")

    def test_import_files(self) -> None:
        """Keys in BIND's form and in PEM are taken, and are those of the DS."""
        key, other = fixed_key(number=31), fixed_key(number=32)
        self.write(f"{file_stem(key)}.key", public_text(key))
        path = self.write(f"{file_stem(key)}.private", private_text(key))
        status, _, err = self.run_it("import", "example.org", path)
        self.assertEqual(status, 0, err)
        self.assertEqual(
            self.run_it("ds", "example.org")[1], ds_text(key.zone, key.ds) + "\n"
        )
        pem = self.write("key.pem", pkcs8_text(other))
        status, _, err = self.run_it("import", "example.org", pem)
        self.assertEqual(status, 0, err)
        self.assertIn("signed, announced", self.run_it("status", "example.org")[1])

    def test_import_of_others(self) -> None:
        """Keys of other zones, and what is no key, change nothing."""
        key = fixed_key("example.net.", 33)
        self.write(f"{file_stem(key)}.key", public_text(key))
        path = self.write(f"{file_stem(key)}.private", private_text(key))
        for file, words in (
            (path, "a key of example.net."),
            (self.config, "no private"),
        ):
            status, _, err = self.run_it("import", "example.org", file)
            self.assertEqual(status, 1)
            self.assertIn(words, err)
        self.assertEqual(self.run_it("ds", "example.org")[0], 1)

    def test_export_and_import(self) -> None:
        """What one server exports makes another sign the same."""
        self.run_it("make", "example.org")
        ds = self.run_it("ds", "example.org")[1]
        bundle = self.run_it("export", "example.org")[1]
        self.setUp()
        status, _, err = self.run_it("import", "example.org", stdin=bundle.encode())
        self.assertEqual(status, 0, err)
        self.assertEqual(self.run_it("ds", "example.org")[1], ds)

    def test_roll_and_off(self) -> None:
        """A roll begins once; until caches know the new key the DS is the old one."""
        self.run_it("make", "example.org")
        before = self.run_it("ds", "example.org")[1]
        self.assertEqual(self.run_it("roll", "example.org")[0], 0)
        self.assertEqual(self.run_it("ds", "example.org")[1], before)
        status, _, err = self.run_it("roll", "example.org")
        self.assertEqual(status, 1)
        self.assertIn("under way already", err)
        self.assertEqual(self.run_it("off", "example.org")[0], 0)
        self.assertIn("leaving", self.run_it("status", "example.org")[1])

    def test_emergency(self) -> None:
        """At once, and with a warning."""
        self.run_it("make", "example.org")
        status, out, err = self.run_it("roll", "example.org", "--emergency")
        self.assertEqual(status, 0)
        self.assertIn("validators fail", err)
        self.assertNotIn("announced", out)

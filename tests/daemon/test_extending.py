"""A stage of another package, as docs/extending.rst builds it."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import dns.edns
import dns.message
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import Daemon, program

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "shard"
CONFIG = """\
[zones."example.org"]
file = "zone"
[zones."example.org".names]
ftp = "mirrors"

[pools.mirrors]
select = [{ shard = 2 }, "weighted"]
""" + "\n".join(
    f'[[pools.mirrors.members]]\nname = "m{number}"\naddresses = ["192.0.2.{number}"]'
    for number in range(1, 9)
)
ZONE = """\
$TTL 300
@ SOA ns1 hostmaster 1 3600 600 86400 300
@ NS ns1
ns1 A 192.0.2.53
"""
BUILD = "from setuptools.build_meta import build_wheel; build_wheel({!r})"
CLIENTS = ("198.51.100.0", "203.0.113.0", "192.0.2.0", "10.1.2.0", "10.7.7.0")


class StageTests(SynchronousTestCase):
    """The package of the example, built, installed, and in use."""

    def setUp(self) -> None:
        """Build the wheel and put it where a new process finds it."""
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        source = self.folder / "source"
        shutil.copytree(EXAMPLE, source)
        subprocess.run(
            [sys.executable, "-c", BUILD.format(str(self.folder))],
            cwd=source,
            check=True,
            capture_output=True,
            timeout=120,
        )
        (wheel,) = self.folder.glob("dinamed_shard-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.folder / "site")
        path = str(self.folder / "site")
        self.patch(os, "environ", {**os.environ, "PYTHONPATH": path})
        self.daemon = Daemon({"dinamed.toml": CONFIG, "zone": ZONE})
        self.addCleanup(self.daemon.clean_up)

    def dinamed(self, *words: str) -> tuple[str, int]:
        """What a command prints, and its status; it reads the daemon's config."""
        done = subprocess.run(
            [program("dinamed"), *words],
            env=dict(os.environ),
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout + done.stderr, done.returncode

    def members(self, client: str) -> set[str]:
        """The addresses that a client network gets in fifty answers."""
        found = set()
        for _ in range(50):
            query = dns.message.make_query(
                "ftp.example.org", "A", options=[dns.edns.ECSOption(client, 24)]
            )
            reply = self.daemon.send(query)
            (option,) = reply.options
            self.assertEqual(option.scopelen, 24)
            found |= {str(item) for rrset in reply.answer for item in rrset}
        return found

    def test_answers(self) -> None:
        """Each client network gets two members of its own, whoever answers."""
        self.daemon.start()
        shards = [self.members(client) for client in CLIENTS]
        self.assertEqual({len(shard) for shard in shards}, {2})
        self.assertGreater(len(set().union(*shards)), 2)
        self.assertEqual([self.members(client) for client in CLIENTS], shards)
        self.daemon.assert_quiet()

    def test_explained(self) -> None:
        """The commands know the stage: they explain it, and check its argument."""
        config = self.daemon.folder / "dinamed.toml"
        text, status = self.dinamed("explain", "ftp.example.org", "-c", str(config))
        self.assertRegex(text, r"\n  shard     8 -> 2: m\d, m\d\n")
        self.assertEqual(status, 0, text)
        config.write_text(CONFIG.replace("{ shard = 2 }", '"shard"'))
        text, status = self.dinamed("check", str(config))
        self.assertEqual(status, 1)
        self.assertIn("expected how many members a client network gets", text)

"""Tests for the process that signs a zone ahead, within this one."""

import errno
import os
import subprocess
import sys

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.ahead import AheadJob, ahead_job
from dinamed.server import signing_child
from dinamed.server.config_loader import child_environment
from dinamed.server.signing_child import carry_out, read_ready
from tests.dnssec.support import NOW, fixed_key, keyset, online
from tests.plans.support import make_zone

NAMES = 600
TEXT = "".join(f"n{number} A 192.0.2.1\n" for number in range(NAMES))


class SigningChildTests(SynchronousTestCase):
    """A zone of some size, and a folder."""

    def setUp(self) -> None:
        folder = self.mktemp()
        os.mkdir(folder)
        self.path = os.path.join(os.path.abspath(folder), "signatures.ahead")
        self.zone = make_zone("example.org.", TEXT, {})
        self.told: list[int] = []

    def job(self, now: float = NOW) -> AheadJob:
        """To sign all as of a moment."""
        served = online(self.zone, keyset(fixed_key()))
        return ahead_job(served, self.path, [now])

    def run_job(self, now: float = NOW, most: int = 1 << 30) -> int:
        """Carry it out, for so many looks; how many were made."""
        looks = iter(range(most))
        wanted = lambda: next(looks, None) is not None  # noqa: E731
        return carry_out(self.job(now), self.zone, wanted, self.told.append).made

    def test_kept(self) -> None:
        """All are in the file, and are not made again."""
        made = self.run_job()
        self.assertGreaterEqual(made, 2 * NAMES)
        self.assertEqual(self.told, [made])
        ready = read_ready(self.path)
        assert ready is not None
        self.assertEqual(len(ready), made)
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        self.assertEqual(self.run_job(), 0)
        self.assertEqual(self.told, [made])

    def test_saved_on_the_way(self) -> None:
        """What there is is saved before all is there, ever more seldom."""
        self.patch(signing_child, "_FIRST_SAVE", 100)
        made = self.run_job()
        self.assertEqual(self.told, [100, 200, 400, 800, made])

    def test_ended_early(self) -> None:
        """What was made until then is kept, and the rest is made the next time."""
        self.run_job(most=2)
        self.assertEqual(self.told, [768])
        self.assertEqual(self.run_job(), self.told[-1] - 768)

    def test_fewer_than_before(self) -> None:
        """What is there is not given up for less of it."""
        all_of_them = self.run_job()
        later = NOW + 40 * 86400
        self.run_job(later, most=1)
        self.assertEqual(self.told, [all_of_them])
        self.run_job(later)
        self.assertEqual(self.told, [all_of_them] * 2)

    def test_full_disk(self) -> None:
        """The file from before stays as it is."""
        self.run_job()
        with open(self.path, "rb") as file:
            before = file.read()

        def full(path: str, pieces: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        self.patch(signing_child, "write_pieces", full)
        with self.assertRaises(OSError):
            self.run_job(NOW + 40 * 86400)
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_no_file(self) -> None:
        """A file that is none is made anew."""
        for text in (b"", b"no signatures\n"):
            with open(self.path, "wb") as file:
                file.write(text)
            self.assertIsNone(read_ready(self.path))
        self.assertGreater(self.run_job(), 0)
        self.assertIsNotNone(read_ready(self.path))

    def start(self, path: str) -> "subprocess.CompletedProcess[bytes]":
        """Run the process itself."""
        job = msgspec.structs.replace(self.job(), path=path)
        data = msgspec.msgpack.encode(job)
        descriptor = os.memfd_create("zone")
        os.write(descriptor, self.zone.buffer)
        # Its standard input stays open until it has ended.
        ours, theirs = os.pipe()
        os.write(theirs, len(data).to_bytes(4, "big") + data)
        command = "import os; os.dup2({}, 3, True); from {} import main; main()"
        try:
            return subprocess.run(
                [
                    sys.executable,
                    "-P",
                    "-c",
                    command.format(descriptor, signing_child.__name__),
                ],
                stdin=ours,
                capture_output=True,
                pass_fds=(descriptor,),
                env=child_environment(),
                timeout=60,
            )
        finally:
            for one in (descriptor, ours, theirs):
                os.close(one)

    def test_process(self) -> None:
        """It says how many it has saved, or in one line why it could not."""
        done = self.start(self.path)
        self.assertEqual(done.returncode, 0, done.stderr)
        ready = read_ready(self.path)
        assert ready is not None
        self.assertEqual(done.stdout, b"%d\n" % len(ready))
        os.mkdir(f"{self.path}.two.new")
        done = self.start(f"{self.path}.two")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"signatures.ahead.two: Is a directory", done.stderr)
        self.assertNotIn(b"Traceback", done.stderr)

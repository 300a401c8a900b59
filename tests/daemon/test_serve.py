"""`dinamed serve`: the server in the foreground, by one word."""

import argparse
import contextlib
import os
import re
import signal
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dinamed.commands import serve
from tests.daemon.harness import PATIENCE, Daemon, program, wait_until
from tests.daemon.scenario import FILES, ZONE


class ServedDaemon(Daemon):
    """The same server, started with `dinamed serve`."""

    def plugin(self) -> list[str]:
        """The plugin's options, which are those of the command."""
        return self.plugin_options()

    def command(self) -> list[str]:
        """What a container runs."""
        return [program("dinamed"), "serve", *self.plugin()]


class ServeTests(SynchronousTestCase):
    """A process that is the server itself."""

    def setUp(self) -> None:
        """Start it."""
        self.daemon = ServedDaemon(FILES)
        self.addCleanup(self.daemon.clean_up)
        self.daemon.start()

    def test_foreground(self) -> None:
        """It answers, logs to standard output, keeps no pid file, obeys SIGTERM."""
        reply = self.daemon.ask(f"ns1.{ZONE}", "A")
        self.assertIn("192.0.2.53", reply.answer[0].to_text())
        self.daemon.assert_quiet()
        names = {path.name for path in self.daemon.folder.iterdir()}
        self.assertEqual(names, {*FILES, "log"})
        self.assertEqual(self.daemon.stop(), -signal.SIGTERM)

    def test_replace(self) -> None:
        """A new process can take over: the command line starts the same again."""
        self.addCleanup(self.kill_successor)
        self.daemon.send_signal(signal.SIGUSR2)
        # What was started passes signals on from now on.
        line = Path(f"/proc/{self.daemon.pid}/cmdline")
        guards = wait_until(lambda: b"supervisor" in line.read_bytes(), PATIENCE)
        self.assertTrue(guards, self.daemon.log)
        self.assertTrue(self.daemon.answers(PATIENCE))
        self.daemon.assert_quiet()
        self.assertEqual(self.daemon.stop(), -signal.SIGTERM)

    def kill_successor(self) -> None:
        """Kill the new process where the test has failed before it could stop it."""
        for pid in re.findall(r"process (\d+) has taken over", self.daemon.log):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


class OptionTests(SynchronousTestCase):
    """What twistd is given."""

    def test_options(self) -> None:
        """Everything that the command takes, and nothing that was not given."""
        parser = argparse.ArgumentParser()
        serve.add_arguments(parser)
        self.assertEqual(
            serve.twistd_options(parser.parse_args([])), ["-n", "--pidfile=", "dinamed"]
        )
        words = ["-i", "::1", "-i", "192.0.2.1", "-p", "5300", "-c", "-", "-d"]
        self.assertEqual(
            serve.twistd_options(parser.parse_args(words))[3:],
            [
                "--interface=::1",
                "--interface=192.0.2.1",
                "--port=5300",
                "--config=-",
                "--debug",
            ],
        )

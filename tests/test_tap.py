"""Tests for the plugin's options and its wiring."""

import contextlib
import io
import os
import pwd
import socket
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout

from twisted.application.service import MultiService
from twisted.python.usage import Options as UsageOptions
from twisted.trial.unittest import SynchronousTestCase

from dinamed import __version__, tap
from dinamed.config.default import EXAMPLE
from dinamed.server import bound
from dinamed.server.services import ReloadService
from dinamed.server.sockets import ListenAddress, Listening, bind
from dinamed.tap import Options, makeService
from tests.server.support import CONFIG, captured, write_config


class Parent(UsageOptions):
    """What twistd has read before our options."""

    def __init__(self, uid: int | None, gid: int | None) -> None:
        super().__init__()
        self["uid"], self["gid"] = uid, gid


def parsed(*arguments: str, parent: Parent | None = None) -> Options:
    """The options from a command line."""
    options = Options()
    options.parent = parent
    options.parseOptions(list(arguments))
    return options


class OptionsTests(SynchronousTestCase):
    """The command line."""

    def refused(self, *arguments: str, parent: Parent | None = None) -> str:
        """The one line of a refusal."""
        with self.assertRaises(SystemExit) as caught:
            parsed(*arguments, parent=parent)
        text = str(caught.exception)
        self.assertTrue(text.startswith("dinamed: "), text)
        self.assertNotIn("\n", text)
        return text

    def test_defaults(self) -> None:
        """Port 53, no config, no interfaces, no debug."""
        options = parsed()
        self.assertEqual(options["port"], 53)
        self.assertEqual(options["interfaces"], [])
        self.assertIsNone(options["config"])
        self.assertFalse(options["debug"])

    def test_all(self) -> None:
        """Short and long forms; an interface may come again."""
        short = parsed(*["-i", "a", "-i", "[::1]:5", "-p", "5300", "-c", "file", "-d"])
        long = parsed(
            "--interface=a", "--interface", "[::1]:5", "--port=5300",
            "--config=file", "--debug",
        )  # fmt: skip
        for options in (short, long):
            self.assertEqual(options["interfaces"], ["a", "[::1]:5"])
            self.assertEqual(options["port"], 5300)
            self.assertEqual(options["config"], "file")
            self.assertTrue(options["debug"])
        self.assertEqual(parsed()["interfaces"], [])

    def test_refused(self) -> None:
        """Whatever is wrong is one line and exit status 1."""
        self.assertIn("0 to 65535", self.refused("-p", "65536"))
        self.assertIn("0 to 65535", self.refused("-p", "-1"))
        self.assertIn("0 to 65535", self.refused("-p", "domain"))
        self.assertIn("nonsense", self.refused("--nonsense"))
        self.assertIn("'more'", self.refused("more"))
        self.assertIn("config", self.refused("--config"))

    def test_version(self) -> None:
        """The version, on standard output."""
        said = io.StringIO()
        with redirect_stdout(said), self.assertRaises(SystemExit) as caught:
            parsed("--version")
        self.assertEqual(caught.exception.code, 0)
        self.assertEqual(said.getvalue(), f"dinamed {__version__}\n")

    def test_uid_without_gid(self) -> None:
        """The group is the user's own, so that root's groups are dropped too."""
        user = pwd.getpwuid(os.getuid())
        parent = Parent(user.pw_uid, None)
        parsed(parent=parent)
        self.assertEqual(parent["gid"], user.pw_gid)

    def test_gid_is_kept(self) -> None:
        """A group that was named stays, and no user needs none."""
        parent = Parent(os.getuid(), 12345)
        parsed(parent=parent)
        self.assertEqual(parent["gid"], 12345)
        parent = Parent(None, None)
        parsed(parent=parent)
        self.assertIsNone(parent["gid"])

    def test_unknown_uid(self) -> None:
        """A uid that nobody has is told before anything is bound."""
        uid = 2**31 - 7
        self.assertIn(str(uid), self.refused(parent=Parent(uid, None)))


class MakeServiceTests(SynchronousTestCase):
    """From options to services; nothing is started."""

    def setUp(self) -> None:
        self.bound: list[Listening] = []
        self.patch(bound, "bind", self.bind)

    def bind(
        self,
        addresses: Iterable[ListenAddress],
        shares: int,
        there: Callable[[ListenAddress], Listening | None],
        freebind: bool,
    ) -> list[Listening]:
        """Bind, and close the sockets after the test."""
        self.bound = bind(addresses, shares, there, freebind)
        for one in self.bound:
            self.addCleanup(one.close)
        return self.bound

    def hosts(self, *arguments: str) -> list[str]:
        """The hosts that services of these options would listen on."""
        makeService(parsed(*arguments))
        return [one.address.host for one in self.bound]

    def refused(self, *arguments: str) -> str:
        """What is said of options that do not work."""
        with self.assertRaises(SystemExit) as caught:
            makeService(parsed(*arguments))
        return str(caught.exception)

    def test_services(self) -> None:
        """Bound, wired, and told in one line of the log."""
        events = captured(self)
        path = write_config(self.mktemp())
        service = makeService(parsed("-i", "127.0.0.1", "-p", "0", "-c", path))
        assert isinstance(service, MultiService)
        self.assertFalse(service.running)
        self.assertTrue(any(isinstance(one, ReloadService) for one in service))
        (event,) = events
        (address,) = (one.address for one in self.bound)
        said = event["log_format"].format(**event)
        self.assertIn(f"dinamed {__version__} serves 1 zone", said)
        self.assertIn(str(address), said)
        self.assertGreater(address.port, 0)

    def test_interfaces(self) -> None:
        """Those of the command line, else those of the config, else all."""
        config = CONFIG.replace("[server]", '[server]\nlisten = ["127.0.0.2:0"]')
        path = write_config(self.mktemp(), config)
        self.assertEqual(self.hosts("-c", path), ["127.0.0.2"])
        hosts = self.hosts("-c", path, "-p0", "-i127.0.0.3", "-i::1")
        self.assertEqual(hosts, ["127.0.0.3", "::1"])
        path = write_config(self.mktemp())
        self.assertEqual(self.hosts("-c", path, "-p0"), ["0.0.0.0", "::"])

    def test_built_in_example(self) -> None:
        """Without a config something is served all the same."""
        self.patch(tap, "default_path", lambda: EXAMPLE)
        self.assertEqual(self.hosts("-i", "127.0.0.1", "-p", "0"), ["127.0.0.1"])

    def test_example_twice(self) -> None:
        """The example is served without HTTP where the port for that is taken."""
        with socket.socket() as taken:
            with contextlib.suppress(
                OSError
            ):  # then somebody else has it, which does as well
                taken.bind(("127.0.0.1", 8053))
                taken.listen()
            self.patch(tap, "default_path", lambda: EXAMPLE)
            self.assertEqual(self.hosts("-i", "127.0.0.1", "-p", "0"), ["127.0.0.1"])

    def test_bad_config(self) -> None:
        """Every problem is a line with its place."""
        path = write_config(self.mktemp(), CONFIG + "[x]\n[y]\n")
        lines = self.refused("-c", path).splitlines()
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertTrue(line.startswith(f"{path}:"), line)

    def test_bad_interfaces(self) -> None:
        """Interfaces that are none, unknown, or taken are one line."""
        path = write_config(self.mktemp())
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments, said in (
            (["-i", "[::1"], "is not an interface"),
            (["-i", "a..b"], "unknown interface"),
            (["-i", "192.0.2.1"], "cannot listen"),
            (["-i", "127.0.0.1", "-p", port], "in use"),
        ):
            text = self.refused("-c", path, *arguments)
            self.assertTrue(text.startswith("dinamed: "), text)
            self.assertIn(said, text)
            self.assertNotIn("\n", text)

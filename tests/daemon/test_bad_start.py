"""What can't start says so clearly, with exit status 1 and without a traceback."""

import socket

from tests.daemon.harness import free_port, run_twistd
from tests.daemon.scenario import CONFIG, OwnDaemonCase


class BadStartTests(OwnDaemonCase):
    """What can't start says so in one line and with exit status 1."""

    def check(self, arguments: list[str], *signs: str) -> None:
        """Run twistd in the foreground and look at what it says."""
        folder = self.make_daemon().folder
        pid_file = folder / "pid"
        done = run_twistd(
            ["-n", f"--pidfile={pid_file}", "dinamed", *arguments], folder
        )
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 1, said)
        for sign in signs:
            self.assertIn(sign, said)
        self.assertNotIn("Traceback", said)
        self.assertFalse(pid_file.exists())

    def config(self, text: str) -> list[str]:
        """Arguments that name a config with this text."""
        daemon = self.make_daemon()
        (daemon.folder / "dinamed.toml").write_text(text, "utf-8")
        return daemon.plugin_options()

    def test_unknown_option(self) -> None:
        """An option that there is not."""
        self.check(["--no-such-option"], "no-such-option")

    def test_superfluous_argument(self) -> None:
        """The plugin takes no arguments."""
        self.check(["-i", "127.0.0.1", "-p", "5300", "surplus"])

    def test_bad_ports(self) -> None:
        """Ports that are none."""
        for port in ("70000", "-1", "dns"):
            with self.subTest(port):
                self.check(["-i", "127.0.0.1", "-p", port], port)

    def test_no_host(self) -> None:
        """An interface that can be neither an address nor a host name."""
        self.check(["-i", "bad..name", "-p", "5300"], "bad..name")

    def test_address_of_another_host(self) -> None:
        """An address that this host does not have."""
        port = str(free_port())
        self.check(["-i", "192.0.2.53", "-p", port], "192.0.2.53")

    def test_no_config(self) -> None:
        """A config file that is not there."""
        where = ["-i", "127.0.0.1", "-p", str(free_port())]
        self.check([*where, "-c", "/no/such/file.toml"], "/no/such/file.toml")

    def test_bad_config(self) -> None:
        """Every problem of a config is told at once, each with its line."""
        text = CONFIG.replace('"hash"', '"hasch"') + "wieght = 3\n"
        lines = text.splitlines()
        hasch = lines.index('select = ["hasch"]') + 1
        self.check(
            self.config(text),
            f"dinamed.toml:{hasch}: ",
            f"dinamed.toml:{len(lines)}: ",
        )

    def test_no_zone_file(self) -> None:
        """A zone file that is not there."""
        self.check(self.config(CONFIG.replace('"zone"', '"nozone"')), "nozone")

    def test_port_taken_for_udp(self) -> None:
        """Another server has the UDP port."""
        daemon = self.make_daemon()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", daemon.port))
            self.check(daemon.plugin_options(), f"{daemon.port}", "in use")

    def test_port_taken_for_tcp(self) -> None:
        """Another server has the TCP port."""
        daemon = self.make_daemon()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
            other.bind(("127.0.0.1", daemon.port))
            other.listen()
            self.check(daemon.plugin_options(), f"{daemon.port}", "in use")

    def test_started_twice(self) -> None:
        """A second daemon on the same port would take half of the queries."""
        daemon = self.started()
        self.check(daemon.plugin_options(), f"{daemon.port}", "in use")

    def test_in_the_background(self) -> None:
        """The parent hears of it too, and no pid file is left."""
        daemon = self.make_daemon()
        pid_file = daemon.folder / "pid"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", daemon.port))
            done = run_twistd(
                [f"--pidfile={pid_file}", "-l", "twistd.log", *daemon.plugin()],
                daemon.folder,
            )
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertFalse(pid_file.exists())

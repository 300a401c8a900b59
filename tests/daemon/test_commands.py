"""The commands that talk to a running server: status, orders, reload."""

import json
import os
import subprocess

from tests.daemon.harness import PATIENCE, Daemon, free_port, program
from tests.daemon.scenario import CONFIG, OwnDaemonCase


class CommandTests(OwnDaemonCase):
    """The installed `dinamed` against a daemon of its own."""

    def setUp(self) -> None:
        """Start a daemon with HTTP."""
        self.daemon = self.make_daemon()
        self.port = port = free_port(["127.0.0.1"])
        config = CONFIG.replace("[server]", f'[server]\nhttp = "127.0.0.1:{port}"', 1)
        (self.daemon.folder / "dinamed.toml").write_text(config)
        self.daemon.start()

    def run_command(self, *arguments: str, status: int = 0) -> str:
        """What the command prints; it must exit with `status`."""
        config = self.daemon.folder / "dinamed.toml"
        done = subprocess.run(
            [program("dinamed"), *arguments, "-c", str(config)],
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
        )
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done.stdout + done.stderr

    def test_drain_and_back(self) -> None:
        """A drained member is handed out no more, until it is given back."""
        told = self.run_command("drain", "mirrors/fra1", "--for", "1h30m")
        self.assertEqual(
            told,
            "mirrors/fra1: drain for 1h30m, "
            "now drain (drained by order of 127.0.0.1)\n",
        )
        self.assertEqual(self.handed_out(self.daemon), {"192.0.2.2"})
        self.assertIn(
            "drained by order of 127.0.0.1, for 1h",
            self.run_command("status", "mirrors"),
        )
        self.assertIn("mirrors/fra1: drain, drained by order", self.daemon.log)
        self.run_command("auto", "mirrors/fra1")
        self.run_command("down", "mirrors/ams1")
        self.assertEqual(self.handed_out(self.daemon), {"192.0.2.1"})
        self.run_command("up", "mirrors/ams1")
        self.assertEqual(self.handed_out(self.daemon), {"192.0.2.1", "192.0.2.2"})

    def test_last_usable(self) -> None:
        """Who drains the last usable member is told what becomes of the clients."""
        told = self.run_command("drain", "mirrors/fra1", "mirrors/ams1")
        self.assertEqual(
            told.splitlines(),
            [
                "mirrors/fra1: drain, now drain (drained by order of 127.0.0.1)",
                "mirrors/ams1: drain, now drain (drained by order of 127.0.0.1)",
                "mirrors has no usable member now: all are handed out "
                '(when_down = "all")',
            ],
        )

    def test_events(self) -> None:
        """An order is told with its number and its subject; `--since` leaves out."""
        self.run_command("drain", "mirrors/fra1")
        told = json.loads(self.run_command("events", "--json"))
        last = told[-1]
        self.assertEqual(
            (last["kind"], last["subject"], last["text"]),
            ("order", "mirrors/fra1", "drain"),
        )
        self.assertIn("order   mirrors/fra1: drain", self.run_command("events"))
        self.assertEqual(self.run_command("events", "--since", str(last["id"])), "")
        told = self.run_command("events", "--since", "x", status=2)
        self.assertIn("'x' is not a time such as", told)

    def test_patterns(self) -> None:
        """An order for several members, by pattern; one that matches nothing."""
        told = self.run_command("drain", "mirrors/*", "mirrors/fra1", "--json")
        self.assertEqual(
            {one["name"]: one["state"] for one in json.loads(told)},
            {"fra1": "drain", "ams1": "drain", "never": "drain"},
        )
        self.run_command("auto", "mirrors/fra?")
        self.assertEqual(self.handed_out(self.daemon), {"192.0.2.1"})
        told = self.run_command("drain", "*/none*", status=1)
        self.assertIn("no member is matched by '*/none*'", told)

    def test_partly_refused(self) -> None:
        """One member that isn't there does not keep the others from their order."""
        told = self.run_command("drain", "mirrors/none", "mirrors/fra1", status=1)
        self.assertIn("'mirrors' has no member 'none'", told)
        self.assertEqual(self.handed_out(self.daemon), {"192.0.2.2"})

    def test_mistake_in_config(self) -> None:
        """A mistake in the file on disk takes no tool away from who is on call."""
        path = self.daemon.folder / "dinamed.toml"
        good = path.read_text()
        path.write_text(good.replace("weight", "wieght") + "[pools.x]\nselect = 1\n")
        self.assertIn("now drain", self.run_command("drain", "mirrors/fra1"))
        path.write_text(good.replace("[server]", "[server]\nlisten = 1\ntsl = 1"))
        self.assertIn("test-ns1: dinamed", self.run_command("status"))
        path.write_text(good + "[")
        told = self.run_command("status", "--http", f"http://127.0.0.1:{self.port}")
        self.assertIn("test-ns1: dinamed", told)

    def handed_out(self, daemon: Daemon) -> set[str]:
        """The addresses of 60 answers; a member of weight 1 in 4 is among them."""
        return {
            item.address
            for _ in range(60)
            for rrset in daemon.ask("ftp.example.org", "A").answer
            for item in rrset
        }

    def test_explain(self) -> None:
        """The server that runs is asked, and knows its orders; else the files are."""
        self.run_command("drain", "mirrors/fra1")
        server = f"http://127.0.0.1:{self.port}"
        asked = ("explain", "ftp.example.org", "--client", "198.51.100.0/24")
        told = self.run_command(*asked, "--http", server)
        self.assertIn("ftp.example.org. A for 198.51.100.0/24\n", told)
        self.assertIn("mirrors/fra1: drained by order", told)
        self.assertIn("NOERROR aa, scope /0\n", told)
        self.assertIn(" IN A 192.0.2.2\n", told)
        by_config = self.run_command(*asked)
        self.assertIn(f"by the server at {server}:\n", by_config)
        self.assertIn("mirrors/fra1: drained by order", by_config)
        offline = self.run_command(*asked, "--offline")
        self.assertNotIn("drained", offline)
        self.assertIn(f"by the files of {self.daemon.folder}/dinamed.toml:\n", offline)
        nobody = f"http://127.0.0.1:{free_port(['127.0.0.1'])}"
        self.assertIn(
            "refused", self.run_command(*asked, "--http", nobody, status=1).lower()
        )
        self.daemon.stop()
        told = self.run_command(*asked)
        self.assertIn("connection refused", told)
        self.assertIn("by the files of", told)

    def test_status(self) -> None:
        """For people and for programs."""
        text = self.run_command("status")
        self.assertIn("test-ns1: dinamed ", text)
        self.assertIn("pool mirrors (weighted)\n", text)
        self.assertRegex(text, r"  up +3 +- +\d+ +fra1\n")
        told = json.loads(self.run_command("status", "--json"))
        self.assertEqual(told["status"]["identity"], "test-ns1")
        self.assertEqual(
            [pool["name"] for pool in told["pools"]], ["login", "mirrors", "v4only"]
        )

    def test_cut_off(self) -> None:
        """A reader that leaves early, as `head` does, brings no traceback."""
        reading, writing = os.pipe()
        os.close(reading)
        config = self.daemon.folder / "dinamed.toml"
        done = subprocess.run(
            [program("dinamed"), "status", "-c", str(config)],
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=PATIENCE * 2,
        )
        os.close(writing)
        self.assertEqual((done.returncode, done.stderr), (1, b""))

    def test_reload(self) -> None:
        """A good reload says what is served, a bad one what is wrong."""
        zone = self.daemon.folder / "zone"
        zone.write_text(zone.read_text() + "new IN A 192.0.2.99\n")
        self.assertIn("reloaded: ", self.run_command("reload"))
        self.assertEqual(len(self.daemon.ask("new.example.org", "A").answer), 1)
        zone.write_text(zone.read_text() + "new IN CNAME www\n")
        told = self.run_command("reload", status=1)
        self.assertIn(f"{zone}:", told)
        self.assertIn("nothing has changed", told)
        self.assertEqual(len(self.daemon.ask("new.example.org", "A").answer), 1)

    def test_diff(self) -> None:
        """What a reload would change, which changes nothing by itself."""
        self.assertEqual(self.run_command("diff"), "no change\n")
        path = self.daemon.folder / "dinamed.toml"
        text = path.read_text()
        path.write_text(text.replace("weight = 3", "weight = 5"))
        zone = self.daemon.folder / "zone"
        zone.write_text(zone.read_text() + "new IN A 192.0.2.99\n")
        told = self.run_command("diff")
        self.assertIn("~ zone example.org.: records ", told)
        self.assertIn("~ member mirrors/fra1: weight 3 -> 5\n", told)
        self.assertIn("fra1", self.run_command("status"))
        self.run_command("reload")
        self.assertEqual(self.run_command("diff"), "no change\n")

    def test_refused(self) -> None:
        """What the server does not take is told, with exit status 1."""
        told = self.run_command("drain", "mirrors/nope", status=1)
        self.assertIn("'mirrors' has no member 'nope'", told)
        self.assertIn("POOL/MEMBER", self.run_command("drain", "fra1", status=1))
        self.run_command("drain", "mirrors/fra1", "--for", "soon", status=2)

    def test_not_running(self) -> None:
        """A server that is not there is one line."""
        self.daemon.stop()
        told = self.run_command("status", status=1)
        self.assertEqual(told.count("\n"), 1)
        self.assertIn("refused", told)

"""`dinamed explain --clients`: which share of many clients goes where."""

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout

from twisted.trial.unittest import SynchronousTestCase

from dinamed.cli import main
from tests.commands.test_explain import ZONE

CONFIG = """\
[geo.networks]
"198.51.100.0/24" = { country = "DE" }
"203.0.113.0/24" = { country = "US" }
[zones."example.org"]
file = "example.org.zone"
[zones."example.org".names]
ftp = "mirrors"
[pools.mirrors]
select = ["country", "weighted"]
members = [
    {name = "fra1", addresses = ["192.0.2.1"], weight = 3, country = "DE"},
    {name = "ber1", addresses = ["192.0.2.2"], weight = 1, country = "DE"},
    {name = "nyc1", addresses = ["192.0.2.3"], country = "US"},
]
"""
CLIENTS = "198.51.100.1\n198.51.100.0/24  # a network\n\n203.0.113.9\n"


class SharesTests(SynchronousTestCase):
    """The table, and what is wrong."""

    def setUp(self) -> None:
        """Write a config and clients."""
        self.folder = self.mktemp()
        os.makedirs(self.folder)
        files = {"dinamed.toml": CONFIG, "example.org.zone": ZONE, "clients": CLIENTS}
        for name, text in files.items():
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(text)
        self.clients = os.path.join(self.folder, "clients")

    def run_it(self, *arguments: str, status: int = 0, name: str = "ftp") -> str:
        """What is printed."""
        config = os.path.join(self.folder, "dinamed.toml")
        command = ["explain", f"{name}.example.org", "-c", config, *arguments]
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            self.assertEqual(main(command), status, out.getvalue())
        return out.getvalue()

    def test_table(self) -> None:
        """By country, and for all together."""
        rows = [
            line.split() for line in self.run_it("--clients", self.clients).splitlines()
        ]
        self.assertEqual(
            rows,
            [
                ["country", "clients", "fra1", "nyc1", "ber1"],
                ["DE", "2", "75.0%", "0.0%", "25.0%"],
                ["US", "1", "0.0%", "100.0%", "0.0%"],
                ["all", "3", "50.0%", "33.3%", "16.7%"],
            ],
        )

    def test_json(self) -> None:
        """In clients, for programs."""
        told = json.loads(self.run_it("--clients", self.clients, "--json"))
        self.assertEqual(told, {"DE": {"fra1": 1.5, "ber1": 0.5}, "US": {"nyc1": 1.0}})

    def test_no_pool(self) -> None:
        """A name without a pool sends nobody anywhere."""
        self.assertIn("(none)", self.run_it("--clients", self.clients, name="www"))

    def test_bad_file(self) -> None:
        """What can't be read is told with its line."""
        with open(self.clients, "a") as file:
            file.write("nowhere\n")
        text = self.run_it("--clients", self.clients, status=1)
        self.assertIn("clients:5: ", text)
        self.run_it("--clients", "/nonexistent", status=1)

    def test_wrong_usage(self) -> None:
        """Options that do not go together."""
        self.run_it("--plot", "x.png", status=2)
        self.run_it("--clients", self.clients, "--http", "http://x", status=2)
        text = self.run_it("--clients", self.clients, "--plot", "x.doc", status=1)
        self.assertIn("x.doc", text)

    def test_explain_json(self) -> None:
        """One client's explanation as the HTTP API tells it."""
        told = json.loads(self.run_it("--client", "203.0.113.9", "--json"))
        self.assertEqual(told["rcode"], "NOERROR")
        self.assertEqual(told["answer"], ["ftp.example.org. 60 IN A 192.0.2.3"])
        self.assertIn(
            {"topic": "weighted", "text": "picked nyc1 of nyc1 100.0%"}, told["steps"]
        )

"""Tests of `dinamed convert`."""

import io
import os
from contextlib import redirect_stderr, redirect_stdout

from dinamed.cli import main
from tests.formats.served import ServedTestCase, ask_often
from tests.formats.test_geodns_questions import QUESTIONS, ZONE

LB2 = """
3000 10 tree1.example.org 192.0.2.1 tree sweet(.5)
100 0 tree2.example.org 192.0.2.2 tree(.1)
tree 6 0 mail.example.org
"""


class ConvertTests(ServedTestCase):
    """What is printed and written, and what that then serves."""

    def convert(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command; its status, output and complaints."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = main(["convert", *arguments])
        return status, out.getvalue(), err.getvalue()

    def config(self, *arguments: str) -> str:
        """Convert into a folder; the config, which must pass `dinamed check`."""
        folder = os.path.join(self.folder, "out")
        status, _, err = self.convert(*arguments, "--out", folder)
        self.assertEqual((status, err), (0, ""))
        path = os.path.join(folder, "dinamed.toml")
        with redirect_stdout(io.StringIO()) as told:
            self.assertEqual(main(["check", path]), 0, told)
        self.folder = folder
        with open(path) as file:
            return file.read()

    def test_geodns(self) -> None:
        """What the converted files answer is what geodns's zone answers."""
        config = self.config("geodns", self.write("example.org.json", ZONE))
        engine = self.serve({}, config)
        # Of these a zone file can't tell: see the comments in it.
        left_out = {("d", "A"), ("ftp.se", "A")}
        for name, rrtype, client, data, rcode in QUESTIONS:
            if (name, rrtype) in left_out:
                continue
            full = "example.org." if name == "@" else f"{name}.example.org."
            answer = ask_often(engine, full, rrtype, client)
            self.assertEqual((answer.rcode, answer.data), (rcode, data), (name, client))

    def test_geodns_folder(self) -> None:
        """A folder of zones becomes one config; names of pools do not clash."""
        folder = os.path.join(self.folder, "dns")
        os.mkdir(folder)
        for name in ("a.example", "b.example"):
            text = '{"data": {"": {"ns": ["ns.x."]}, "w": {"a": [["192.0.2.1"],\n'
            text += '["192.0.2.2"]], "caa": []}}}'
            self.write(f"dns/{name}.json", text)
        status, out, _ = self.convert("geodns", folder)
        self.assertEqual(status, 0)
        for part in (
            "# ==> dinamed.toml <==",
            '[pools."w.a.example"]',
            '[pools."w.b.example"]',
            "# ==> b.example.zone <==",
            "unknown key, left out",
        ):
            self.assertIn(part, out)

    def test_geodns_conf(self) -> None:
        """The file beside the zones, or named: folders, logs, and what is left out."""
        folder = os.path.join(self.folder, "dns")
        os.makedirs(os.path.join(folder, "mmdb"))
        zone = '{"data": {"": {"ns": ["ns.x."]}, "w": {"a": [["192.0.2.1"]]},\n'
        zone += '"w.de": {"a": [["192.0.2.2"]]}}}'
        self.write("dns/a.example.json", zone)
        self.write("dns/mmdb/GeoLite2-City.mmdb", "")
        self.write("dns/mmdb/GeoLite2-ASN.mmdb", "")
        conf = self.write(
            "dns/geodns.conf",
            "; a comment\n[GeoIP]\ndirectory=mmdb ; here\n[querylog]\n"
            'path = "log/q.log"\n[http]\nuser = stats\n???\n',
        )
        for path in (conf, folder):
            status, out, _ = self.convert("geodns", path)
            self.assertEqual(status, 0)
            for part in (
                f'databases = ["{folder}/mmdb/GeoLite2-City.mmdb", '
                f'"{folder}/mmdb/GeoLite2-ASN.mmdb"]',
                f'[query_log]\nfile = "{folder}/log/q.log"',
                "# [http] of geodns.conf, left out",
                "# geodns.conf:8 could not be read",
                '[zones."a.example"]',
            ):
                self.assertIn(part, out)
        os.unlink(conf)
        _, out, _ = self.convert("geodns", folder)
        self.assertIn("# [geo]\n# databases = [", out)

    def test_goes_on(self) -> None:
        """A zone that can't be read is left out, and the others are converted."""
        folder = os.path.join(self.folder, "dns")
        os.mkdir(folder)
        self.write("dns/a.example.json", '{"data": {"": {"ns": ["ns.x."]}}}')
        self.write("dns/b.example.json", "{")
        status, out, err = self.convert("geodns", folder)
        self.assertEqual(status, 1)
        self.assertIn('[zones."a.example"]', out)
        self.assertIn("b.example.json:1: JSON: ", err)
        self.assertIn("left out: b.example.\n", err)
        target = os.path.join(self.folder, "out")
        self.convert("geodns", folder, "--out", target)
        status, _, err = self.convert("geodns", folder, "--out", target)
        self.assertEqual(status, 2)
        self.assertIn(f"{target}/dinamed.toml is there already", err)

    def test_lbnamed(self) -> None:
        """Loads, increments and shares stand in the members' tables."""
        config = self.config("lbnamed", self.write("s.lb", LB2), "--zone", "b.example")
        for line in (
            'select = ["least"]',
            "load = 3000",
            "increment = 30",
            "increment = 100",
            "weight = 0.1",
            "ttl = 6",
        ):
            self.assertIn(line, config.splitlines())
        with open(os.path.join(self.folder, "b.example.zone")) as file:
            text = file.read()
        self.assertIn("tree 3600 IN MX 10 mail.example.org.", text)
        self.assertIn("@ 86400 IN NS ns.invalid.", text)
        self.assertIn("sweet 0 IN A 192.0.2.1", text)

    def test_pgeodns(self) -> None:
        """All bases of a config become zones."""
        path = self.write(
            "p.conf",
            "ns ns1.example.net\nbase a.example\nh1 192.0.2.1 www\nh2 192.0.2.2 www\n"
            "h3 192.0.2.3 www.de\nbase b.example\nh1 192.0.2.1 @\n",
        )
        config = self.config("pgeodns", path)
        self.assertIn('targets = ["country", "continent", "@"]', config)
        self.assertIn('[zones."b.example"]', config)

    def test_wrong(self) -> None:
        """Problems of files are told as such, what is missing as wrong usage."""
        bad = self.write("z.json", "{")
        self.assertEqual(self.convert("geodns", bad, "--zone", "a.example")[0], 1)
        lb = self.write("x.lb", "1 h 192.0.2.1 g\n")
        self.assertEqual(
            self.convert("lbnamed", lb),
            (
                2,
                "",
                "dinamed convert: the file does not name its zone; say --zone NAME\n",
            ),
        )
        self.assertEqual(self.convert("lbnamed", lb, "--zone", "a..b")[0], 2)
        self.assertEqual(self.convert("pgeodns", self.write("p", ""))[0], 1)
        folder = os.path.join(self.folder, "none")
        os.mkdir(folder)
        self.assertEqual(self.convert("geodns", folder)[0], 2)

    def test_nothing_is_overwritten(self) -> None:
        """Files that are there already stay as they are."""
        lb = self.write("x.lb", "1 h 192.0.2.1 g\n")
        arguments = ("lbnamed", lb, "--zone", "a.example", "--out", self.folder)
        self.write("dinamed.toml", "mine")
        self.assertEqual(self.convert(*arguments)[0], 2)
        with open(os.path.join(self.folder, "dinamed.toml")) as file:
            self.assertEqual(file.read(), "mine")

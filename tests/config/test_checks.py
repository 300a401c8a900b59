"""Reading the settings of checks."""

import os
import tomllib

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import checks
from dinamed.config.check_forms import ParsedUrl, split_url
from dinamed.config.check_rules import MAX_CHECKS, PoolChecks, read_checks
from dinamed.config.combined import CheckRule
from dinamed.config.reader import Reader
from tests.config.folder import source_of


def read(text: str) -> tuple[tuple[checks.Check, ...], list[str]]:
    """The checks in `text`, and the problems without the file's name."""
    reader = Reader(source_of("/etc/x/f", text))
    found = read_checks(reader, tomllib.loads(text)["check"], ("check",))
    return found.checks, [str(one).removeprefix("/etc/x/f:") for one in reader.problems]


def combined(text: str) -> tuple[PoolChecks, list[str]]:
    """All that is read of checks in `text`, and the problems."""
    reader = Reader(source_of("/etc/x/f", text))
    found = read_checks(reader, tomllib.loads(text)["check"], ("check",))
    return found, [str(one).removeprefix("/etc/x/f:") for one in reader.problems]


A = '{type = "tcp", port = 1}'
B = '{type = "tcp", port = 2}'
C = '{type = "pool", pool = "db"}'


class CombinedTests(SynchronousTestCase):
    """Any, all, so many, or not."""

    def rule(self, text: str) -> CheckRule | None:
        """The rule of a value that has no problem."""
        found, problems = combined(f"check = {text}")
        self.assertEqual(problems, [], text)
        return found.rule

    def test_rules(self) -> None:
        """Checks are numbered in the order in which they come, each once."""
        for text, rule in (
            (A, None),
            (f"[{A}, {B}, {A}]", None),
            (f"{{all = [{A}, {B}]}}", None),
            (f"{{any = [{A}, {B}]}}", CheckRule(1, (0, 1))),
            (f"{{at_least = 2, of = [{A}, {B}, {C}]}}", CheckRule(2, (0, 1, 2))),
            (f"{{not = {A}}}", CheckRule(checks=(0,), negated=True)),
            (
                f"[{A}, {{any = [{B}, {{not = {A}}}]}}]",
                CheckRule(
                    checks=(0,),
                    rules=(
                        CheckRule(1, (1,), (CheckRule(checks=(0,), negated=True),)),
                    ),
                ),
            ),
        ):
            self.assertEqual(self.rule(text), rule, text)

    def test_pools(self) -> None:
        """Pools that are looked at are told, with their place."""
        found, _ = combined(f"check = [{A}, {{any = [{C}]}}]")
        self.assertEqual(found.pools, (("db", ("check", 1, "any", 0, "pool")),))
        self.assertEqual(found.checks[1], checks.PoolCheck(pool="db"))

    def test_wrong(self) -> None:
        """Each mistake has its key."""
        deep = A
        for _ in range(9):
            deep = f"{{not = {deep}}}"
        for text, wanted in (
            (f"{{any = {A}}}", "check.any: expected a list of checks"),
            ("{any = []}", "check.any: expected a list of checks"),
            (
                f"{{at_least = 2, of = [{A}]}}",
                "check.at_least: expected a whole number",
            ),
            (f"{{of = [{A}]}}", "check.at_least: expected a whole number from 1 to 1"),
            (f"{{any = [{A}], port = 1}}", 'check.port: only "any" may stand here'),
            ('{not = {type = "tcp"}}', "check.not.port: this key is required"),
            (deep, "more than 8 inside each other"),
        ):
            _, problems = combined(f"check = {text}")
            self.assertEqual(len(problems), 1, problems)
            self.assertIn(wanted, problems[0])


class ReadTests(SynchronousTestCase):
    """What is read, and what is refused."""

    def good(self, text: str) -> checks.Check:
        """The one check in `text`, which has no problem."""
        found, problems = read(f"[check]\n{text}")
        self.assertEqual(problems, [])
        self.assertEqual(len(found), 1)
        return found[0]

    def bad(self, text: str, *wanted: str) -> None:
        """`text` has just these problems (parts of what is said)."""
        _, problems = read(f"[check]\n{text}")
        self.assertEqual(len(problems), len(wanted), problems)
        for problem, words in zip(problems, wanted, strict=True):
            self.assertIn(words, problem)

    def test_defaults(self) -> None:
        """Every 10 s, for 5 s, three to rise and two to fall."""
        check = self.good('type = "tcp"\nport = 80')
        self.assertEqual(check, checks.TcpCheck(port=80))
        self.assertEqual((check.interval, check.rise, check.fall), (10.0, 3, 2))
        self.assertEqual(check.limit, 5.0)

    def test_limit(self) -> None:
        """The time limit follows the interval, up to 5 s, or is set."""
        self.assertEqual(checks.TcpCheck(port=1, interval=4).limit, 2.0)
        self.assertEqual(checks.TcpCheck(port=1, interval=60).limit, 5.0)
        self.assertEqual(checks.TcpCheck(port=1, interval=60, timeout=9).limit, 9)

    def test_every_key(self) -> None:
        """All keys of every type are read."""
        self.assertEqual(
            self.good(
                'type = "tcp"\nport = 25\nsend = "HELO {name}\\r\\n"\nexpect = "^220"\n'
                "interval = 5\ntimeout = 1.5\nrise = 1\nfall = 4"
            ),
            checks.TcpCheck(
                port=25,
                send="HELO {name}\r\n",
                expect="^220",
                interval=5.0,
                timeout=1.5,
                rise=1,
                fall=4,
            ),
        )
        self.assertEqual(
            self.good(
                'type = "http"\nurl = "http://{address}:8080/x?y"\nmethod = "GET"\n'
                'host = "www.example.org"\ncodes = [200, "300-399"]\nbody = "fine"\n'
                'body_limit = 100\nheaders = {X-Who = "dinamed"}'
            ),
            checks.HttpCheck(
                url="http://{address}:8080/x?y",
                host="www.example.org",
                codes=((200, 200), (300, 399)),
                body="fine",
                body_limit=100,
                headers=(("X-Who", "dinamed"),),
            ),
        )
        self.assertEqual(
            self.good(
                'type = "https"\nurl = "https://{address}/"\nverify = false\n'
                'server_name = "www.example.org"'
            ),
            checks.HttpsCheck(
                url="https://{address}/", verify=False, server_name="www.example.org"
            ),
        )
        self.assertEqual(
            self.good(
                'type = "dns"\nname = "example.org"\nqtype = "mx"\nport = 5300\n'
                'rcode = "noerror"\nanswers = ["10 mx.example.org."]'
            ),
            checks.DnsCheck(
                name="example.org",
                qtype="MX",
                port=5300,
                answers=("10 mx.example.org.",),
            ),
        )

    def test_paths_are_absolute(self) -> None:
        """Relative paths are taken from the config file's folder."""
        check = self.good('type = "file"\npath = "up/{name}"\nmax_age = 60')
        self.assertEqual(check, checks.FileCheck(path="/etc/x/up/{name}", max_age=60.0))
        check = self.good('type = "exec"\ncommand = ["/bin/true", "{address}"]')
        self.assertEqual(check, checks.ExecCheck(command=("/bin/true", "{address}")))
        check = self.good('type = "exec"\ncommand = ["true"]')
        self.assertEqual(check, checks.ExecCheck(command=("true",)))

    def test_checks_are_values(self) -> None:
        """Equal checks are one, hash and all."""
        text = 'type = "http"\nurl = "http://{address}/"\nheaders = {A = "b"}'
        self.assertEqual({self.good(text)}, {self.good(text)})

    def test_list(self) -> None:
        """A list has all of its checks, once each."""
        found, problems = read(
            '[[check]]\ntype = "tcp"\nport = 1\n[[check]]\ntype = "tcp"\nport = 2\n'
            '[[check]]\ntype = "tcp"\nport = 1\n'
        )
        self.assertEqual(problems, [])
        self.assertEqual(found, (checks.TcpCheck(port=1), checks.TcpCheck(port=2)))

    def test_list_places(self) -> None:
        """A problem in a list is on its line."""
        _, problems = read(
            '[[check]]\ntype = "tcp"\nport = 1\n[[check]]\ntype = "tcp"\nport = 0\n'
        )
        self.assertEqual(
            problems,
            ["6: check[1].port: expected a whole number from 1 to 65535, got 0"],
        )

    def test_too_many(self) -> None:
        """A pool has a bounded number of checks."""
        _, problems = read('[[check]]\ntype = "tcp"\nport = 1\n' * (MAX_CHECKS + 1))
        self.assertEqual(len(problems), 1)

    def test_no_table(self) -> None:
        """Whatever else there is instead of a table is refused."""
        for raw in ("1", '"tcp"', "[1]", "true"):
            _, problems = read(f"check = {raw}")
            self.assertEqual(len(problems), 1, raw)

    def test_type(self) -> None:
        """The type must be there and known."""
        self.bad("port = 1", "check.type: this key is required")
        self.bad('type = "htpp"', 'did you mean "http"?')
        self.bad("type = 7", "expected one of tcp, http,")

    def test_unknown_key(self) -> None:
        """A key of no such check is an error."""
        self.bad('type = "tcp"\nport = 1\nprot = 2', "unknown key")

    def test_required(self) -> None:
        """What a type needs is asked for."""
        self.bad('type = "tcp"', "check.port: this key is required")
        self.bad('type = "http"', "check.url")
        self.bad('type = "dns"', "check.name")
        self.bad('type = "exec"', "check.command")
        self.bad('type = "file"', "check.path")

    def test_timeout(self) -> None:
        """The time limit is shorter than the interval."""
        text = 'type = "tcp"\nport = 1\n'
        self.bad(text + "timeout = 10", "shorter than the interval")
        self.bad(text + "timeout = 0", "check.timeout")
        self.bad(text + "interval = 0.5", "check.interval")
        self.bad(text + "interval = nan", "check.interval")

    def test_counts(self) -> None:
        """Rise and fall are at least one."""
        self.bad('type = "tcp"\nport = 1\nrise = 0\nfall = 0', "rise", "fall")

    def test_send_alone(self) -> None:
        """To send and expect nothing checks nothing."""
        self.bad('type = "tcp"\nport = 1\nsend = "x"', "without expect")

    def test_patterns(self) -> None:
        """A broken pattern is told with what is wrong."""
        self.bad('type = "tcp"\nport = 1\nexpect = "("', "not a regular expression")
        self.bad('type = "http"\nurl = "http://{address}/"\nbody = "[z-a]"', "z-a")

    def test_http(self) -> None:
        """Nonsense in requests is refused."""
        text = 'type = "http"\nurl = "http://{address}/"\n'
        self.bad(text + 'method = "HEAD"\nbody = "x"', "has no body")
        self.bad(text + "codes = [99]", "from 100 to 599")
        self.bad(text + 'codes = ["400-200"]', "write the lower one first")
        self.bad(text + "codes = []", "no code")
        self.bad(text + 'host = "a b"', "spaces")
        self.bad(text + 'headers = {Host = "x"}', 'use the key "host"')
        self.bad(text + 'headers = {A = "x\\r\\nB: y"}', "visible ASCII")
        self.bad(text + 'headers = {"A B" = "x"}', "name of a header")
        self.bad('type = "http"\nurl = "https://{address}/"', "begins with http://")
        self.bad('type = "https"\nurl = "http://{address}/"', "begins with https://")

    def test_https(self) -> None:
        """Authorities must be readable and of use."""
        text = 'type = "https"\nurl = "https://{address}/"\n'
        self.bad(text + 'ca = "none.pem"', "can't read /etc/x/none.pem")
        path = os.path.abspath(__file__)
        self.bad(text + f'verify = false\nca = "{path}"', "no use")

    def test_dns(self) -> None:
        """Names, types, codes and data of records are looked at."""
        text = 'type = "dns"\nname = "example.org"\n'
        self.bad(text + 'qtype = "HUH"', "no type of record")
        self.bad(text + 'qtype = "AXFR"', "can't be asked for")
        self.bad(text + 'rcode = "FINE"', "no response code")
        self.bad(text + 'answers = ["x"]', "not the data of a record of type A")
        self.bad('type = "dns"\nname = "a..b"', "empty label")

    def test_exec(self) -> None:
        """The program must be there."""
        self.bad('type = "exec"\ncommand = ["no-such-program-at-all"]', "no program")
        self.bad('type = "exec"\ncommand = "true"', "expected a list")
        self.bad('type = "exec"\ncommand = []', "names no program")

    def test_placeholders(self) -> None:
        """A typing error in a place to fill in is found."""
        self.bad('type = "file"\npath = "/run/{adress}"', "{adress} is not {address}")


class UrlTests(SynchronousTestCase):
    """Taking URLs apart."""

    def test_parts(self) -> None:
        """Authority, host, port and target."""
        self.assertEqual(
            split_url("http://{address}"),
            ParsedUrl("http", "{address}", "{address}", 80, "/"),
        )
        self.assertEqual(
            split_url("https://[2001:db8::1]:8443?q"),
            ParsedUrl("https", "[2001:db8::1]:8443", "2001:db8::1", 8443, "/?q"),
        )
        self.assertEqual(
            split_url("https://{name}.example.org/a?b=c"),
            ParsedUrl(
                "https", "{name}.example.org", "{name}.example.org", 443, "/a?b=c"
            ),
        )

    def test_refused(self) -> None:
        """What can't be asked for."""
        for text in (
            "",
            "ftp://example.org/",
            "http:///x",
            "http://u:p@example.org/",
            "http://example.org:0/",
            "http://example.org:99999/",
            "http://2001:db8::1/",
            "http://[192.0.2.1]/",
            "http://example.org/#x",
            "http://exa mple.org/",
        ):
            with self.assertRaises(ValueError, msg=text):
                split_url(text)

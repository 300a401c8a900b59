"""Tests of scenario files."""

from dinamed.config.settings import StageSettings
from dinamed.simulator.policies import BUILT_IN, chosen
from dinamed.simulator.scenario import Crowd, Outage, Scenario
from dinamed.simulator.scenario_file import BadScenarioError, load, parse, shipped
from tests.config.folder import FolderTestCase


class ReadingTestCase(FolderTestCase):
    """Reads texts, and tells their problems."""

    def problems(self, text: str) -> list[str]:
        """The problems of a text, or none."""
        try:
            parse("s.toml", text)
        except BadScenarioError as error:
            return [str(problem) for problem in error.problems]
        return []


class ShippedTests(ReadingTestCase):
    """The scenarios that come with dinamed."""

    def test_all(self) -> None:
        """All can be read, and each says what it is about."""
        names = list(shipped())
        self.assertEqual(
            names,
            [
                "averaged-reports",
                "continents",
                "equal-mirrors",
                "farms",
                "flash-crowd",
                "late-reports",
                "outage",
                "rare-reports",
                "reports-lost",
                "several-servers",
                "short-transfers",
                "steady",
                "ttl-floor",
                "ttl-stretching",
                "wrong-capacities",
            ],
        )
        abouts = {load(name).about for name in names}
        self.assertEqual(len(abouts - {""}), len(names))

    def test_steady(self) -> None:
        """`steady` says nothing but the defaults."""
        steady = load("steady")
        self.assertEqual(steady, Scenario(about=steady.about))

    def test_unknown(self) -> None:
        """A wrong name gets the right one."""
        error = self.assertRaises(BadScenarioError, load, "stedy")
        (problem,) = error.problems
        self.assertIn('no scenario "stedy"; did you mean "steady"?', str(problem))


class FileTests(ReadingTestCase):
    """Files of the user's own."""

    def test_tables(self) -> None:
        """Lists, tables and policies arrive as they stand."""
        path = self.write(
            "mine.toml",
            'policies = ["mine", "weighted"]\n'
            "[[outages]]\nmember = 2\nstart = 1\nend = 2.5\n"
            "[crowd]\nstart = 1\nend = 2\nfactor = 3\n"
            '[chains]\nmine = [{shed = [0.5, 0.8]}, "round-robin"]\n',
        )
        scenario = load(path)
        self.assertEqual(scenario.outages, (Outage(member=2, start=1.0, end=2.5),))
        self.assertEqual(scenario.crowd, Crowd(start=1.0, end=2.0, factor=3.0))
        mine, weighted = chosen(scenario)
        chain = (StageSettings("shed", (0.5, 0.8)), StageSettings("round-robin"))
        self.assertEqual(mine.select(scenario), chain)
        self.assertEqual(weighted, BUILT_IN["weighted"])

    def test_all_policies(self) -> None:
        """Without a list all are run, those of the file last."""
        names = [one.name for one in chosen(parse("", '[chains]\nx = ["hash"]'))]
        self.assertEqual(names, [*BUILT_IN, "x"])

    def test_unreadable(self) -> None:
        """No file, no text, no TOML."""
        path = self.write("bad.toml", b"a = 1\nb = '\xff'\n")
        for file, message in (
            (f"{self.folder}/none.toml", "none.toml: file: can't read: No such file"),
            (self.folder + "/", "file: can't read: Is a directory"),
            (path, "bad.toml:2: file: not UTF-8: invalid start byte"),
        ):
            with self.subTest(file=file):
                error = self.assertRaises(BadScenarioError, load, file)
                self.assertIn(message, str(error))

    def test_syntax(self) -> None:
        """What is no TOML is told with its line."""
        self.assertEqual(
            self.problems("seed = 1\nttl = = 2\n"),
            [
                "s.toml:2: TOML: expected a value: text stands in quotes, a list in "
                "brackets, and there are numbers, true and false"
            ],
        )
        self.assertEqual(
            self.problems("a = " + "[" * 5000), ["s.toml: TOML: nested too deeply"]
        )

    def test_values(self) -> None:
        """Every wrong value is told, on its line."""
        text = (
            'seeds = 1\nresolvers = 0\noffered = -1\nttl = "x"\n'
            "capacities = [1, 0]\nreport_loss = 2\n"
        )
        self.assertEqual(
            self.problems(text),
            [
                's.toml:1: seeds: unknown key; did you mean "seed"?',
                "s.toml:2: resolvers: expected a whole number from 1 to 1048576, got 0",
                "s.toml:3: offered: expected a number from 0.001 to 1000, got -1",
                "s.toml:4: ttl: expected a whole number of seconds, "
                'or text such as "5m", "30-300" or "30s-5m", got "x"',
                "s.toml:5: capacities[1]: expected a number "
                "from 1e-06 to 1000000000.0, got 0",
                "s.toml:6: report_loss: expected a number from 0 to 1, got 2",
            ],
        )

    def test_rules(self) -> None:
        """So is what does not fit together."""
        text = (
            'capacities = [1, 1]\npolicies = ["weighted", "wighted", "weighted"]\n'
            "[[outages]]\nmember = 3\nstart = 5\nend = 5\n"
            "[[outages]]\nmember = 1\nstart = 5\nend = 9\n"
            "[[outages]]\nmember = 1\nstart = 8\nend = 12\n"
            "[[silences]]\nstart = 2\nend = 1\n"
            "[crowd]\nstart = 2\nend = 1\nfactor = 2\n"
        )
        self.assertEqual(
            self.problems(text),
            [
                's.toml:2: policies[1]: no policy "wighted"; did you mean "weighted"?',
                's.toml:2: policies[2]: "weighted" stands here twice',
                "s.toml:4: outages[0].member: there are only 2 mirrors",
                "s.toml:6: outages[0].end: must come after start",
                "s.toml:13: outages[2].start: "
                "mirror 1 is not back from another outage yet",
                "s.toml:17: silences[0].end: must come after start",
                "s.toml:20: crowd.end: must come after start",
            ],
        )
        self.assertEqual(
            self.problems("capacities = []"),
            ["s.toml:1: capacities: there must be a mirror at least"],
        )

    def test_size(self) -> None:
        """What would take for ever is refused."""
        found = self.problems("measure = 1e9")
        self.assertEqual(len(found), 2)
        self.assertIn("s.toml:1: measure: too long for so many clients", found[0])
        self.assertIn("s.toml:1: measure: too long for so many mirrors", found[1])

    def test_chains(self) -> None:
        """A chain must be one, and have a name of its own."""
        found = self.problems(
            '[chains]\na = ["priority"]\nb = [{shed = [2, 1]}, "weighted"]\n'
            'c = []\nweighted = ["hash"]\n'
        )
        self.assertEqual(len(found), 4)
        self.assertIn("s.toml:2: chains.a: priority only narrows", found[0])
        self.assertIn("s.toml:3: chains.b: expected 0 <= LOW < HIGH", found[1])
        self.assertIn("s.toml:4: chains.c: select is empty", found[2])
        self.assertIn("a policy of that name already", found[3])

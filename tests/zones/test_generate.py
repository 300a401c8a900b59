"""Tests for $GENERATE."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.zones.generate import MAX_COUNT, generate_range, generate_text
from dinamed.zones.lines import EntryError
from dinamed.zones.masterdata import RAW
from tests.zones.strategies import read


class TextTests(SynchronousTestCase):
    """The places where the number goes, as BIND 9 has them."""

    def test_modifiers(self) -> None:
        """Offset, width and base."""
        cases = {
            "h$": "h26",
            "${0}": "26",
            "${-6}": "20",
            "${+4,3}": "030",
            "${0,4,x}": "001a",
            "${0,4,X}": "001A",
            "${0,0,o}": "32",
            "${0,3,n}": "a.1",
            "${0,4,n}": "a.1.",
            "${0,7,N}": "A.1.0.0",
            "$$-$": "$-26",
            r"\$-$": r"\$-26",
            "$-$": "26-26",
            "plain": "plain",
        }
        found = {template: generate_text(template, 26) for template in cases}
        self.assertEqual(found, cases)

    def test_bad_modifiers(self) -> None:
        """What is not a modifier is refused, not copied."""
        for template in ("${", "${}", "${x}", "${0,128}", "${0,1,q}", "${-27,1,n}"):
            self.assertRaises(EntryError, generate_text, template, 26)

    def test_range(self) -> None:
        """Both ends count; the step may be left out."""
        self.assertEqual(list(generate_range("3-5")), [3, 4, 5])
        self.assertEqual(list(generate_range("0-5/2")), [0, 2, 4])
        for text in ("5-3", "1", "-1-3", "1-3/0", "a-b", "1-2/", f"0-{MAX_COUNT}"):
            self.assertRaises(EntryError, generate_range, text)


class DirectiveTests(SynchronousTestCase):
    """The directive in a file."""

    def test_data_of_several_words(self) -> None:
        """Data may be quoted as in BIND 9, or stand as it is."""
        for data in ('"10 mail-$"', "10 mail-$"):
            found = read(f"$GENERATE 1-2 h$ 60 IN MX {data}\n")
            self.assertEqual(found.problems, [])
            raw = found.records[b"\x02h2"]
            self.assertIn(b"\0\x0a\x06mail-2", raw[RAW.size :])

    def test_problems(self) -> None:
        """A bad line is one problem, whatever its range."""
        for line in (
            "$GENERATE",
            "$GENERATE 1-2",
            "$GENERATE 1-2 h$ 60",
            "$GENERATE 1-2 h$ 60 A",
            "$GENERATE 1-9 h$ 60 A 192.0.2.${x}",
            "$GENERATE 1-300 h$ 60 A 192.0.2.$",
            "$GENERATE 1-2 h$ A 192.0.2.$",
            "$GENERATE 1-2 h$ 60 SOA $",
        ):
            (problem,) = read(line + "\n").problems
            self.assertEqual((problem.line, problem.key), (1, "$GENERATE"))

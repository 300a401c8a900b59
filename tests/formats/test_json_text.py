"""Tests of the JSON reader that knows lines."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.formats.json_text import JsonError, JsonValue, parse

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


def plain(value: JsonValue) -> object:
    """A value without lines."""
    match value.data:
        case list():
            return [plain(one) for one in value.data]
        case dict():
            return {key: plain(one) for key, one in value.data.items()}
    return value.data


def read(text: str, relaxed: bool = False) -> object:
    """What a text says."""
    return plain(parse(text, lambda line, key: None, relaxed))


class ParseTests(SynchronousTestCase):
    """What is JSON, and on which line."""

    @settings(deadline=None)
    @given(ANY_JSON, st.sampled_from([None, 1]), st.booleans())
    def test_like_the_library(
        self, data: object, indent: int | None, relaxed: bool
    ) -> None:
        """Any JSON reads as the standard library reads it."""
        text = json.dumps(data, indent=indent)
        self.assertEqual(read(text, relaxed), data)

    @settings(deadline=None)
    @given(st.text(st.sampled_from('[]{}",:#/01-.eEtrufalsn \n\\x')), st.booleans())
    def test_junk(self, text: str, relaxed: bool) -> None:
        """Junk is refused with its line, or read as the library reads it."""
        try:
            found = read(text, relaxed)
        except JsonError as error:
            self.assertTrue(1 <= error.line <= text.count("\n") + 1)
            return
        if not relaxed:
            self.assertEqual(found, json.loads(text))

    def test_lines(self) -> None:
        """Values of an object are on the line of their key."""
        value = parse('{"a":\n1,\n\n"b": [\n2,\n 3]}', lambda line, key: None)
        assert isinstance(value.data, dict)
        self.assertEqual({k: v.line for k, v in value.data.items()}, {"a": 1, "b": 4})
        listed = value.data["b"].data
        assert isinstance(listed, list)
        self.assertEqual([v.line for v in listed], [5, 6])

    def test_repeated(self) -> None:
        """A key that stands in an object again is told, and wins."""
        told: list[tuple[int, str]] = []
        value = parse('{"a": 1,\n"a": 2}', lambda line, key: told.append((line, key)))
        self.assertEqual(plain(value), {"a": 2})
        self.assertEqual(told, [(2, "a")])

    def test_relaxed(self) -> None:
        """Comments and a comma at the end are read only where that is allowed."""
        text = '# one\n{"a": [1, 2,], // two\n "b": "#no",}'
        self.assertEqual(read(text, True), {"a": [1, 2], "b": "#no"})
        self.assertRaises(JsonError, read, text)

    def test_errors(self) -> None:
        """Each mistake has its words and its line."""
        table = [
            ("", 1, "the text ends too early"),
            ("[1\n", 2, "expected a comma or ]"),
            ("[1 2]", 1, "expected a comma or ]"),
            ('{"a" 1}', 1, 'expected a colon after the key "a"'),
            ("{a: 1}", 1, "expected a key in double quotes"),
            ("[1,]", 1, "expected a value"),
            ("[1] 2", 1, "something follows after the end"),
            ("[nul]", 1, 'expected a value, not "nul"'),
            ('\n"a', 2, "a string does not end, or holds a control character"),
            (r'"\q"', 1, "a string has a bad escape"),
            (r'"\ud800"', 1, "a string has a bad escape"),
            ("1e999", 1, "a number is far too large"),
            ("1" * 5000, 1, "a number is far too long"),
            ("[" * 100000, 1, "nested too deeply"),
            ('{"a":' * 100000, 1, "nested too deeply"),
        ]
        for text, line, message in table:
            with self.assertRaises(JsonError) as caught:
                read(text)
            got = (caught.exception.line, str(caught.exception))
            self.assertEqual(got, (line, message), text[:20])

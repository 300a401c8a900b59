"""Members as JSON."""

import json

from twisted.trial.unittest import SynchronousTestCase

from dinamed.discovery.targets import MemberReader
from dinamed.discovery.texts import StoredMemberTexts

TABLES = [
    {"name": "a", "addresses": ["192.0.2.1"], "weight": 1.0},
    {"name": "b", "addresses": ["192.0.2.2"], "weight": 2.5, "location": [50.0, 8.5]},
]


class StoredMemberTextsTests(SynchronousTestCase):
    """StoredMemberTexts."""

    def test_tables(self) -> None:
        """What is written is what was read, without what is at its default."""
        texts, reader = StoredMemberTexts(), MemberReader()
        self.assertEqual(json.loads(texts.array("p", ())), [])
        members = reader.tables([{**TABLES[0], "priority": 1}, TABLES[1]])
        for _ in range(2):
            self.assertEqual(json.loads(texts.array("p", members)), TABLES)
        self.assertEqual(json.loads(texts.array("p", members[1:])), TABLES[1:])
        self.assertEqual(json.loads(texts.array("q", members[:1])), TABLES[:1])

    def test_more(self) -> None:
        """Members that are read one by one are known when the whole list comes."""
        reader = MemberReader()
        one = reader.tables(TABLES[:1]) + reader.more(TABLES[1:])
        for known, again in zip(one, reader.tables(TABLES), strict=True):
            self.assertIs(known, again)

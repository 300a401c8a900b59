"""In which order members stand."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import MemberSettings
from dinamed.discovery.places import in_place
from dinamed.discovery.targets import Members

LISTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 2)).map(
    lambda found: tuple(member(name, weight) for name, weight in found.items())
)


def member(name: str, weight: float = 1.0) -> MemberSettings:
    """A member."""
    return MemberSettings(name=name, weight=float(weight), addresses=("192.0.2.1",))


def names(members: Members) -> str:
    """Of one letter each."""
    return "".join(one.name for one in members)


class InPlaceTests(SynchronousTestCase):
    """in_place."""

    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(LISTS, LISTS)
    def test_all(self, before: Members, now: Members) -> None:
        """All are there; most that stay are the same objects in the same places."""
        placed = in_place(before, now)
        self.assertEqual(
            sorted((one.name, one.weight) for one in placed),
            sorted((one.name, one.weight) for one in now),
        )
        for place, one in enumerate(before[: len(placed)]):
            if one in now:
                self.assertIs(placed[place], one)

    def test_places(self) -> None:
        """Who comes takes a free place, or that of the last one is filled."""
        before = tuple(map(member, "abcde"))
        for now, placed in (
            ("abcdef", "abcdef"),
            ("acde", "aecd"),
            ("xacde", "axcde"),
            ("ace", "aec"),
            ("cxyabdez", "abcdexyz"),
            ("", ""),
            ("x", "x"),
        ):
            found = in_place(before, tuple(map(member, now)))
            self.assertEqual(names(found), placed, now)

    def test_first(self) -> None:
        """A first list stays as it is."""
        now = tuple(map(member, "cab"))
        self.assertEqual(in_place((), now), now)

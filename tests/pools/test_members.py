"""Tests of `dinamed.pools.members`."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import settings
from dinamed.pools.members import from_settings


class FromSettingsTests(SynchronousTestCase):
    """A member made from its table."""

    def test_addresses_are_packed_by_family(self) -> None:
        """Addresses are packed, and kept apart by family in their order."""
        table = settings.MemberSettings(
            name="fra1", addresses=("2001:db8::1", "192.0.2.2", "192.0.2.1")
        )
        member = from_settings("p", 3, table)
        self.assertEqual(member.v4, (bytes((192, 0, 2, 2)), bytes((192, 0, 2, 1))))
        self.assertEqual([len(address) for address in member.addresses(6)], [16])
        self.assertEqual(member.addresses(0), member.v4 + member.v6)
        self.assertEqual((member.pool, member.name, member.index), ("p", "fra1", 3))

    def test_capacity_is_the_weight_by_default(self) -> None:
        """Capacity defaults to the weight, and to 1 where that is 0."""
        for weight, given, capacity in ((5, None, 5), (0, None, 1), (5, 2.5, 2.5)):
            table = settings.MemberSettings(name="m", weight=weight, capacity=given)
            self.assertEqual(from_settings("p", 0, table).capacity, capacity)

    def test_bad_address(self) -> None:
        """What is no address is refused."""
        table = settings.MemberSettings(name="m", addresses=("192.0.2.256",))
        with self.assertRaises(ValueError):
            from_settings("p", 0, table)

    def test_has(self) -> None:
        """A host has a family if it has an address of it, and 0 if it has any."""
        member = from_settings(
            "p", 0, settings.MemberSettings(name="m", addresses=("::1",))
        )
        self.assertEqual(
            [member.has(4), member.has(6), member.has(0)], [False, True, True]
        )
        empty = from_settings("p", 0, settings.MemberSettings(name="m"))
        self.assertFalse(empty.has(0))

"""Where members are whose config does not say it."""

from dinamed.config.check import load_all
from tests.config.folder import FolderTestCase

CONFIG = """\
[geo.networks]
"192.0.2.0/24" = { country = "DE", location = [50.0, 8.0] }
[pools.p]
select = [%s]
[[pools.p.members]]
name = "a"
addresses = ["192.0.2.1"]
[[pools.p.members]]
name = "b"
addresses = ["192.0.2.2"]
location = [1.0, 2.0]
[[pools.p.members]]
name = "c"
addresses = ["198.51.100.1"]
[[pools.p.members]]
name = "d"
addresses = ["192.0.2.3"]
country = "FR"
[[pools.p.members]]
name = "e"
pool = "q"
[pools.q]
members = [{ name = "f", addresses = ["192.0.2.4"] }]
"""


class LocatedTests(FolderTestCase):
    """By their addresses, where distances count."""

    def places(self, select: str) -> list[tuple[float, float] | None]:
        """Where the members of the pool are."""
        settings = load_all(self.write("c.toml", CONFIG % select)).settings
        assert settings is not None
        pool = next(one for one in settings.pools if one.name == "p")
        return [member.location for member in pool.members]

    def test_places(self) -> None:
        """What is said holds; who is nowhere to be found, and a pool, has none."""
        found = [(50.0, 8.0), (1.0, 2.0), None, None, None]
        for select in ('"nearest", "weighted"', '"spill"'):
            self.assertEqual(self.places(select), found)
        left = [None, (1.0, 2.0), None, None, None]
        for select in ('"weighted"', '"country", "nearest", "weighted"'):
            self.assertEqual(self.places(select), left)

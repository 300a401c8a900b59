"""The catalog over reloads, restarts, and what can't be read."""

import os

from dinamed.wire.names import from_text
from tests.server.test_transfers import CONFIG, SECONDARY, ServiceCase

CATALOG = CONFIG.replace("[server]", '[server]\ncatalog = "cat.example"')
CATALOG += '[zones."cat.example"]\ntransfer = ["key:ours"]\n'
APEX = from_text("cat.example.")


class CatalogTests(ServiceCase):
    """`[server] catalog` of a service with zones."""

    config = CATALOG

    def write(self, text: str) -> None:
        """Another config, and a reload."""
        with open(self.path, "w") as file:
            file.write(text)
        self.reload()

    @property
    def catalog_serial(self) -> int:
        """That is served."""
        return self.authority.engine.snapshot.zones[APEX].serial

    def test_follows_reloads(self) -> None:
        """Zones come and go; nothing else moves the serial; steps are known."""
        first = self.catalog_serial
        self.assertEqual(self.answers("version.cat.example."), ['"2"'])
        self.assertEqual(self.answers("cat.example.", "NS"), ["invalid."])
        self.update("new", "a")
        self.reload()
        self.assertEqual(self.catalog_serial, first)
        self.write(CATALOG + SECONDARY)
        second = self.catalog_serial
        self.assertGreater(second, first)
        steps = self.service.since(APEX, first, second)
        assert steps is not None
        sizes = [(len(step.removed), len(step.added)) for step in steps]
        self.assertEqual(sizes, [(0, 1)])
        self.write(CATALOG)
        self.assertGreater(self.catalog_serial, second)

    def test_restart(self) -> None:
        """The same serial; a newer one for another set, whatever the clock says."""
        first = self.catalog_serial
        self.start()
        self.assertEqual(self.catalog_serial, first)
        self.write(CATALOG + SECONDARY)
        self.start()
        self.assertEqual(self.catalog_serial, first + 1)

    def test_gone(self) -> None:
        """Without the key there is no catalog."""
        self.write(CONFIG)
        self.assertNotIn(APEX, self.authority.engine.snapshot.zones)

    def test_damaged(self) -> None:
        """What can't be read is kept aside and told, and a catalog is served."""
        path = os.path.join(self.folder, "state", "zones", "cat.example.zone")
        with open(path, "wb") as file:
            file.write(b"damaged")
        self.start()
        self.assertEqual(self.answers("version.cat.example."), ['"2"'])
        with open(f"{path}.bad", "rb") as file:
            self.assertEqual(file.read(), b"damaged")
        told = [str(one.get("log_format")) for one in self.events]
        self.assertTrue(any("the catalog saved as" in text for text in told))

    def test_cannot_be_saved(self) -> None:
        """It is served all the same, and that is told."""
        zones = os.path.join(self.folder, "state", "zones")
        os.rename(zones, zones + ".old")
        with open(zones, "w"):
            pass
        self.write(CATALOG + SECONDARY)
        self.assertEqual(self.answers("version.cat.example."), ['"2"'])
        told = [str(one.get("log_format")) for one in self.events]
        self.assertTrue(any("could not be saved" in text for text in told))

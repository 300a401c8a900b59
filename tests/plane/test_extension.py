"""What is told of an extension that is missing or stale."""

from twisted.trial.unittest import SynchronousTestCase

from dinamed.plane import extension
from tests.test_packaging import run_elsewhere

CODE = """
import types
fake = {fake}
sys.modules["dinamed.plane.native"] = fake
import dinamed.plane
if fake is not None:
    dinamed.plane.native = fake
from dinamed.plane import extension
print(extension.native, extension.why_not)
"""


class WhyNotTests(SynchronousTestCase):
    """Why Python answers, so that nobody has to guess."""

    def test_missing(self) -> None:
        """Without the extension."""
        told = run_elsewhere(CODE.format(fake="None"))
        self.assertEqual(told, f"None {extension.MISSING}\n")

    def test_stale(self) -> None:
        """With one of another edition."""
        told = run_elsewhere(CODE.format(fake='types.ModuleType("native")'))
        self.assertEqual(told, f"None {extension.STALE}\n")

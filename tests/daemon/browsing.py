"""A real browser for the tests of the dashboard."""

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import WebDriverWait

from tests.daemon.harness import need_tool

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 20.0
AXE = Path(__file__).parent / "axe" / "axe.min.js"


class Browser:
    """Chromium, without a window and with a profile of its own."""

    def __init__(self, width: int, height: int, *, dark: bool = False) -> None:
        chromium, driver = need_tool("chromium"), need_tool("chromedriver")
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = Options()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={self._profile.name}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(driver))
        self.show_as(width, height, dark=dark)

    def show_as(self, width: int, height: int, *, dark: bool = False) -> None:
        """Go over to a window of that size in pixels, and to dark or light colours."""
        self._tell("Emulation.setDeviceMetricsOverride", **_metrics(width, height))
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._tell("Emulation.setEmulatedMedia", features=[scheme])

    def press(self, *keys: str) -> None:
        """Type where the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it is shown."""
        if not self.value("window.axe !== undefined"):
            self.driver.execute_script(AXE.read_text("utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document).then((result) => done(result.violations.flatMap((one) =>"
            " one.nodes.map((node) => one.id + ': ' + node.target + ' '"
            " + node.failureSummary))), (error) => done([String(error)]));"
        )
        assert isinstance(found, list)
        return found

    def _tell(self, command: str, **arguments: object) -> None:
        self.driver.execute_cdp_cmd(command, arguments)

    def wait(self, script: str) -> Any:
        """The value of a JavaScript expression, once it is true."""
        return WebDriverWait(self.driver, PATIENCE, 0.05).until(
            lambda driver: driver.execute_script(f"return {script}")
        )

    def value(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        return self.driver.execute_script(f"return {script}")

    def find(self, selector: str) -> Any:
        """One element by its CSS selector."""
        return self.driver.find_element("css selector", selector)

    @property
    def complaints(self) -> list[str]:
        """What the browser's console holds since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def save(self, path: Path) -> None:
        """Take a picture."""
        self.driver.save_screenshot(str(path))

    def close(self) -> None:
        """End the browser."""
        with suppress(Exception):
            self.driver.quit()
        self._profile.cleanup()


def _metrics(width: int, height: int) -> dict[str, object]:
    return {
        "width": width,
        "height": height,
        "deviceScaleFactor": 1,
        "mobile": width < 500,
    }

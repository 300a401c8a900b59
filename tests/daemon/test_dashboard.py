"""The dashboard in a real browser, against a real server."""

from selenium.webdriver.common.keys import Keys

from tests.daemon.browsing import Browser
from tests.daemon.harness import free_port
from tests.daemon.scenario import CONFIG, OwnDaemonCase

DRAIN = "button[aria-label='Drain… mirrors/fra1']"
AUTO = "button[aria-label='Auto… mirrors/fra1']"
LIVE = "document.querySelector('#link').dataset.link === 'live'"
BADGE = "document.querySelector('.member[data-state=\"drain\"] b')?.textContent"


class DashboardTests(OwnDaemonCase):
    """What an operator sees and does."""

    token: str | None = None

    def setUp(self) -> None:
        """Start a server and a browser of the usual size."""
        self.daemon = self.make_daemon()
        port = free_port(["127.0.0.1"])
        lines = f'[server]\nhttp = "127.0.0.1:{port}"'
        if self.token is not None:
            path = self.daemon.folder / "token"
            path.write_text(self.token)
            path.chmod(0o600)
            lines += f'\ntoken_file = "{path}"'
        config = CONFIG.replace("[server]", lines, 1)
        (self.daemon.folder / "dinamed.toml").write_text(config)
        self.url = f"http://127.0.0.1:{port}/"
        self.browser = self.open(1280, 900)
        self.daemon.start()

    def open(self, width: int, height: int, *, dark: bool = False) -> Browser:
        """A browser that is closed after the test."""
        browser = Browser(width, height, dark=dark)
        self.addCleanup(browser.close)
        return browser

    def visit(self, browser: Browser) -> None:
        """Open the page, and wait until it lives."""
        browser.driver.get(self.url)
        browser.wait(LIVE)


SIGNED = "document.querySelector('#signing')"


class SigningTests(DashboardTests):
    """Zones that are signed, and none."""

    def test_card(self) -> None:
        """The card tells the key and what is waited for; without zones it is hidden."""
        self.visit(self.browser)
        self.assertTrue(self.browser.value(f"{SIGNED}.hidden"))
        path = self.daemon.folder / "dinamed.toml"
        table = 'dnssec = { keys = "keys", make = true, parent = ["127.0.0.1:1"] }'
        text = path.read_text().replace('file = "zone"', f'file = "zone"\n{table}', 1)
        path.write_text(text)
        self.daemon.stop()
        self.daemon.start()
        browser = self.open(1280, 900)
        self.visit(browser)
        browser.wait(f"!{SIGNED}.hidden")
        shown = browser.value(f"{SIGNED}.textContent")
        assert isinstance(shown, str)
        self.assertIn("example.org. key", shown)
        self.assertIn("waits for caches", shown)
        self.assertEqual(browser.complaints, [])


class OperatorTests(DashboardTests):
    """On the host itself, where no token is needed."""

    def test_pools(self) -> None:
        """Pools and members are there, and nothing is wrong."""
        browser = self.browser
        self.visit(browser)
        titles = browser.value(
            "[...document.querySelectorAll('.pool h2')].map(h => h.textContent)"
        )
        self.assertEqual(titles, ["login", "mirrors", "v4only"])
        self.assertEqual(browser.value("document.title"), "test-ns1 · dinamed")
        self.assertEqual(browser.complaints, [])

    def test_drain_and_enable(self) -> None:
        """By mouse and keyboard, with a word of confirmation."""
        browser = self.browser
        self.visit(browser)
        browser.find(DRAIN).click()
        self.assertEqual(browser.value("document.querySelector('#order').open"), True)
        browser.find("#order button[value=cancel]").click()
        self.assertEqual(browser.value("document.querySelector('#order').open"), False)
        self.assertIsNone(browser.value(BADGE))
        browser.find(DRAIN).send_keys(Keys.ENTER)
        browser.find("#order button.main").send_keys(Keys.ENTER)
        self.assertEqual(browser.wait(BADGE), "fra1")
        browser.find(AUTO).click()
        browser.find("#order button.main").click()
        browser.wait(f"!({BADGE})")
        self.assertEqual(browser.complaints, [])

    def test_explain(self) -> None:
        """The steps and the answer, or what is wrong."""
        browser = self.browser
        self.visit(browser)
        name = browser.find("#explain [name=name]")
        name.send_keys("ftp.example.org", Keys.ENTER)
        text = browser.wait("document.querySelector('#explained pre')?.textContent")
        self.assertIn("NOERROR aa", text)
        name.clear()
        name.send_keys("a..b", Keys.ENTER)
        wrong = browser.wait("document.querySelector('#explained .wrong')?.textContent")
        self.assertIn("empty label", wrong)

    def test_live(self) -> None:
        """Questions show without a reload of the page."""
        browser = self.browser
        self.visit(browser)
        for _ in range(50):
            self.daemon.ask("ftp.example.org", "A")
        browser.wait("parseFloat(document.querySelector('#total').textContent) >= 50")

    def test_many_visits(self) -> None:
        """A page that was left holds no connection: ten visits do not wait."""
        for _ in range(10):
            self.visit(self.browser)
            self.browser.driver.get("about:blank")

    def test_server_gone(self) -> None:
        """The page says that what it shows is not of now."""
        browser = self.browser
        self.visit(browser)
        self.daemon.stop()
        browser.wait("document.querySelector('#link').dataset.link === 'lost'")

    def test_phone_and_dark(self) -> None:
        """Nothing is wider than a phone; dark is dark."""
        browser = self.open(390, 844, dark=True)
        self.visit(browser)
        self.assertEqual(browser.value("document.documentElement.scrollWidth"), 390)
        back = browser.value("getComputedStyle(document.body).backgroundColor")
        self.assertEqual(back, "rgb(16, 23, 28)")
        small = browser.value(
            "[...document.querySelectorAll('main button')]"
            ".filter(b => b.checkVisibility()"
            " && b.getBoundingClientRect().height < 36).length"
        )
        self.assertEqual(small, 0)

    def test_accessible(self) -> None:
        """Everything that one can do has a name; landmarks and meters are there."""
        browser = self.browser
        self.visit(browser)
        nameless = browser.value(
            "[...document.querySelectorAll('button, input, select, [role=meter],"
            " [role=img], dialog, section')].filter(e => !(e.getAttribute('aria-label')"
            " || e.getAttribute('aria-labelledby') || e.labels?.length"
            " || e.textContent.trim())).map(e => e.outerHTML)"
        )
        self.assertEqual(nameless, [])
        for selector in ("header", "main", "footer", "h1", "[aria-live]"):
            self.assertIsNotNone(browser.find(selector))
        browser.find("body").send_keys(Keys.TAB)
        self.assertEqual(browser.value("document.activeElement.className"), "skip")


class TokenTests(DashboardTests):
    """A server that wants a token."""

    token = "s3cret"

    def test_token(self) -> None:
        """The page asks for it when it is needed, and again if it is wrong."""
        browser = self.browser
        self.visit(browser)
        browser.find(DRAIN).click()
        confirm = browser.find("#order button.main")
        confirm.click()
        shown = "!document.querySelector('#order-token').hidden"
        browser.wait(shown)
        field = browser.find("#order [name=token]")
        field.send_keys("wrong")
        confirm.click()
        browser.wait("document.querySelector('.wrong').textContent === 'wrong token'")
        field.send_keys("s3cret")
        confirm.click()
        self.assertEqual(browser.wait(BADGE), "fra1")

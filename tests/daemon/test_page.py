"""The dashboard at three widths, in both colours, by keyboard and for all to read."""

import os
import struct
import tempfile
from pathlib import Path

from selenium.webdriver.common.keys import Keys
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.browsing import Browser
from tests.daemon.harness import ROOT
from tests.daemon.page_world import PageServer, crowd

LIVE = "document.querySelector('#link').dataset.link === 'live'"
DRAWN = "document.querySelectorAll('#world .near, #world .far').length > 0"
SIZES = {"phone": (390, 844), "tablet": (768, 1024), "desk": (1280, 900)}
PICTURES = ROOT / "docs" / "pictures" if "DINAMED_PICTURES" in os.environ else None
"""Where to put the pictures of the manual, if they are to be made anew."""

OVERLAPS = """(() => {
  const words = [...document.querySelectorAll('header *, main *')].filter((one) =>
    one.checkVisibility() && !one.closest('svg, .unseen, select, datalist')
    && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const boxes = words.map((one) => [one, one.getBoundingClientRect()]);
  return boxes.flatMap(([one, a], at) => boxes.slice(at + 1).filter(([other, b]) =>
    !one.contains(other) && !other.contains(one) && a.left < b.right - 1
    && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
    .map(([other]) => one.outerHTML + ' meets ' + other.outerHTML));
})()
"""
SCROLLERS = """[...document.querySelectorAll('main *')].filter((one) =>
  /auto|scroll/.test(getComputedStyle(one).overflowY)
  && one.scrollHeight > one.clientHeight).map((one) => one.outerHTML)
"""


class PageCase(SynchronousTestCase):
    """A server and a browser."""

    def serve(self, *how: object) -> PageServer:
        """A running server."""
        server = PageServer(*how)
        self.addCleanup(server.daemon.clean_up)
        server.start()
        return server

    def open(self, url: str) -> Browser:
        """A browser of a desk that shows the page, alive."""
        browser = Browser(*SIZES["desk"])
        self.addCleanup(browser.close)
        browser.driver.get(url)
        browser.wait(LIVE)
        return browser


class BusyTests(PageCase):
    """A server with something of everything."""

    def setUp(self) -> None:
        """Have loads, orders and clients."""
        self.server = server = self.serve()
        server.report()
        server.order(
            "mirrors/gru1", "drain", **{"for": 7260}, reason="new kernel", by="alice"
        )
        server.order("login/login2", "down", reason="disk full", by="bob")

    def drawn(self) -> Browser:
        """A browser that shows the page with arcs on the map."""
        browser = self.open(self.server.url)
        for _ in range(10):
            # A sample is seen some ticks later, so clients must go on asking.
            self.server.question("cdn.example.org", 2)
            self.server.report()
            browser.driver.execute_script(
                "document.querySelector('#map-pool').dispatchEvent(new Event('change'))"
            )
            if browser.value(DRAWN):
                break
        browser.wait(DRAWN)
        return browser

    def test_everywhere(self) -> None:
        """No width and no colours break anything, nor leave anybody out."""
        browser = self.drawn()
        browser.find("#explain [name=name]").send_keys("ftp.example.org", Keys.ENTER)
        browser.wait("document.querySelector('#explained pre')")
        browser.find("#map summary").click()
        for dark in (False, True):
            for name, (width, height) in SIZES.items():
                browser.show_as(width, height, dark=dark)
                where = f"{name}, {'dark' if dark else 'light'}"
                self.assertEqual(browser.violations(), [], where)
                self.assertEqual(browser.value(OVERLAPS), [], where)
                self.assertEqual(browser.value(SCROLLERS), [], where)
                wide = browser.value("document.documentElement.scrollWidth")
                self.assertLessEqual(wide, width, where)
        browser.find("button[aria-label='Drain… login/login1']").click()
        self.assertEqual(browser.violations(), [])
        effect = browser.find("#order-effect").text
        self.assertIn("the last usable member of login", effect)
        self.assertEqual(browser.complaints, [])
        self.take_pictures(browser)

    def take_pictures(self, browser: Browser) -> None:
        """Make those of the manual, or some that nobody sees."""
        browser.find("#order button[value=cancel]").click()
        browser.find("#map summary").click()
        with tempfile.TemporaryDirectory() as other:
            folder = Path(PICTURES or other)
            for name, size, dark in (
                ("dashboard", "desk", False),
                ("dashboard-phone", "phone", True),
            ):
                width, height = SIZES[size]
                browser.show_as(width, height, dark=dark)
                browser.wait("scrollTo(0, 0), scrollY === 0")
                browser.save(folder / f"{name}.png")
                data = (folder / f"{name}.png").read_bytes()
                self.assertEqual(struct.unpack(">II", data[16:24]), (width, height))
            width, _ = SIZES["desk"]
            browser.show_as(width, 600)
            browser.driver.execute_script(
                "document.querySelector('#map').scrollIntoView()"
            )
            browser.find("#map").screenshot(str(folder / "dashboard-map.png"))

    def test_trouble_first(self) -> None:
        """The banner, the order of members, and bars beyond the capacity."""
        browser = self.open(self.server.url)
        browser.wait("!document.querySelector('#wrong').hidden")
        shown = browser.find("#wrong").text
        self.assertIn("login: 1 of 2 members out", shown)
        self.assertIn("mirrors: 2 members at 90 % or more", shown)
        self.assertTrue(browser.value("document.title").startswith("(3) ns1"))
        names = browser.value(
            "[...document.querySelectorAll('#pool-mirrors .member b')]"
            ".slice(0, 3).map((one) => one.textContent)"
        )
        self.assertEqual(names, ["fra1", "ams1", "gru1"])
        widths = [
            float(width.rstrip("%"))
            for width in browser.value(
                "[...document.querySelectorAll('#pool-mirrors .load')]"
                ".slice(0, 2).map((one) => one.style.width)"
            )
        ]
        self.assertAlmostEqual(widths[0] * 1.5, 104, places=3)
        self.assertAlmostEqual(widths[1] * 1.5, 137, places=3)
        text = browser.find("#pool-mirrors .member[data-state=drain] .why").text
        self.assertRegex(text, r"new kernel · until \d\d:\d\d, 2 h")
        events = browser.wait("document.querySelector('#events').textContent")
        self.assertIn("mirrors/gru1 drain until", events)
        self.assertIn("by alice (new kernel)", events)
        self.assertIn("example.org. serial 7", browser.find("#zones").text)

    def test_link(self) -> None:
        """A link shows the same explanation, filter and map to somebody else."""
        link = "#name=ftp.example.org&type=AAAA&find=login&kind=down"
        browser = self.open(self.server.url + link)
        answer = browser.wait("document.querySelector('#explained pre')?.textContent")
        self.assertIn("AAAA 2001:db8::", answer)
        shown = "[...document.querySelectorAll('.pool:not([hidden]) .member b')]"
        names = browser.value(f"{shown}.map((one) => one.textContent)")
        self.assertEqual(names, ["login2"])
        browser.find("#explain [name=name]").click()
        browser.find("#explain [name=name]").clear()
        browser.find("#explain [name=name]").send_keys("cdn")
        offered = "document.querySelector('#names option')?.value"
        browser.wait(f"{offered} === 'cdn.example.org'")

    def test_graph(self) -> None:
        """What it was at a time, by mouse and by keyboard."""
        browser = self.open(self.server.url)
        plot = browser.find("#questions")
        browser.wait("document.querySelector('#questions').ariaValueMax > 0")
        self.server.question("nobody.example.org")
        missing = "document.querySelector('.line[data-code=NXDOMAIN]')"
        browser.wait(f"{missing}.getAttribute('d')")
        self.assertFalse(
            browser.value(
                "document.querySelector('.line[data-code=SERVFAIL]').getAttribute('d')"
            )
        )
        plot.send_keys(Keys.HOME)
        said = "document.querySelector('#questions').ariaValueText"
        self.assertRegex(browser.value(said), "a second, .* ago")
        self.assertFalse(browser.value("document.querySelector('.tip').hidden"))
        plot.send_keys(Keys.END)
        self.assertRegex(browser.value(said), "a second, (.*, )?now")


class KeyboardTests(PageCase):
    """Without a mouse, and with more members than fit."""

    def test_one_of_many(self) -> None:
        """One of a thousand is found and drained by keys alone; pages turn."""
        server = self.serve(crowd, 1000)
        browser = self.open(server.url)
        row = "document.querySelectorAll('.member').length"
        browser.wait(f"{row} === 25")
        browser.press(Keys.TAB, Keys.ENTER)
        self.assertEqual(browser.value("document.activeElement.id"), "pools")
        browser.press(Keys.TAB, "host00777")
        browser.wait(f"{row} === 1")
        for _ in range(20):
            browser.press(Keys.TAB)
            if browser.value("document.activeElement.matches('.member button')"):
                break
        browser.press(Keys.ENTER)
        browser.wait("document.querySelector('#order').open")
        browser.press(Keys.ENTER)
        browser.wait("document.querySelector('.member[data-state=drain]')")
        told = server.call("GET", "members?kind=drain")
        self.assertEqual([one["name"] for one in told["members"]], ["host00777"])
        self.assertEqual(told["counts"]["up"], 999)
        browser.find("#filter [name=find]").clear()
        browser.find("#filter [name=find]").send_keys(" ", Keys.BACKSPACE)
        browser.wait(f"{row} === 25")
        browser.find(".pager button:last-child").send_keys(Keys.ENTER)
        first = "document.querySelector('.member b').textContent"
        browser.wait(f"{first} === 'host00024'")
        self.assertEqual(browser.complaints, [])


class EmptyTests(PageCase):
    """A server without pools."""

    def test_help(self) -> None:
        """It says what a pool is and how to begin."""

        def nothing(port: int) -> str:
            return f'[server]\nhttp = "127.0.0.1:{port}"\n'

        browser = self.open(self.serve(nothing).url)
        browser.wait("!document.querySelector('#empty').hidden")
        self.assertIn("dinamed init", browser.find("#empty").text)
        self.assertEqual(browser.violations(), [])

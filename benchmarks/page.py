"""The dashboard with one pool of 10 000 members, in Chromium.

``python -m benchmarks.page [--members 10000] [--loads 5] [--pictures FOLDER]``

Octets of the page as it is sent and unpacked, and of one tick; the time to its first
paint and to its first figures (medians of several loads, each with an empty cache); the
time from the first key of a member's name until its row is shown, then from the key
that confirms a drain until the row says so, beside the answer of the API alone; what
axe-core finds at three widths in both colours; the longest turn of the server's
reactor.  It needs Chromium and its driver.  Exit status 1: axe-core found something, or
the browser complained.
"""

import argparse
import os
import statistics
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from selenium.webdriver.common.keys import Keys

from benchmarks.driving import longest_turn
from tests.daemon.browsing import Browser
from tests.daemon.page_world import PageServer, crowd

LIVE = "document.querySelector('#link').dataset.link === 'live'"
ROWS = "document.querySelectorAll('.member').length"
DRAINED = "document.querySelector('.member[data-state=drain]')"
OVER = "document.querySelector('#wrong').textContent.includes('at 90 % or more')"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
SIZES = {"phone": (390, 844), "tablet": (768, 1024), "desk": (1280, 900)}
OVERLOADED = 150
"""Members that report more than they can take."""


def octets(url: str) -> tuple[int, int]:
    """The page as a browser gets it, and unpacked."""
    sizes = []
    for coding in ("gzip", "identity"):
        request = urllib.request.Request(url, headers={"Accept-Encoding": coding})
        with urllib.request.urlopen(request, timeout=30) as reply:
            sizes.append(len(reply.read()))
    return sizes[0], sizes[1]


def tick_octets(url: str) -> int:
    """One tick of the stream of figures."""
    with urllib.request.urlopen(f"{url}api/v1/live", timeout=30) as stream:
        for line in stream:
            if line == b"event: tick\n":
                return len(line) + len(stream.readline()) + 1
    raise ValueError("no tick")


def open_times(browser: Browser, url: str) -> tuple[float, float]:
    """Milliseconds to the first paint and to the first figures."""
    browser.driver.get("about:blank")
    browser.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    began = time.monotonic()
    browser.driver.get(url)
    browser.wait(LIVE)
    figures = (time.monotonic() - began) * 1e3
    return float(browser.wait(PAINTED)), figures


def drain(browser: Browser, name: str) -> tuple[float, float]:
    """Drain a member by keys: milliseconds until it is shown, and drained."""
    browser.find("#filter [name=find]").click()
    began = time.monotonic()
    browser.press(name)
    browser.wait(f"{ROWS} === 1")
    found = time.monotonic()
    for _ in range(20):
        browser.press(Keys.TAB)
        if browser.value("document.activeElement.matches('.member button')"):
            break
    browser.press(Keys.ENTER)
    browser.wait("document.querySelector('#order').open")
    confirmed = time.monotonic()
    browser.press(Keys.ENTER)
    browser.wait(DRAINED)
    return (found - began) * 1e3, (time.monotonic() - confirmed) * 1e3


def by_api(server: PageServer, number: int) -> float:
    """Milliseconds of the same order without a browser."""
    began = time.monotonic()
    server.order(f"crowd/host{number:05d}", "drain")
    return (time.monotonic() - began) * 1e3


def violations(browser: Browser, folder: Path | None) -> int:
    """What axe-core finds, told; with pictures if a folder is given."""
    found = []
    for dark in (False, True):
        for name, (width, height) in SIZES.items():
            browser.show_as(width, height, dark=dark)
            found += browser.violations()
            if folder is not None:
                browser.save(folder / f"{name}-{'dark' if dark else 'light'}.png")
    for one in found:
        print(one)
    return len(found)


def measure(server: PageServer, options: argparse.Namespace) -> int:
    """Print the figures; how much was wrong."""
    middle: Callable[[list[float]], float] = statistics.median
    number = options.members * 7 // 9
    packed, plain = octets(server.url)
    tick = tick_octets(server.url)
    calm = longest_turn(server.url)
    with closing(Browser(*SIZES["desk"])) as browser:
        opened = [open_times(browser, server.url) for _ in range(options.loads)]
        loads = [
            {"member": f"host{at:05d}", "load": 1.2 if at < OVERLOADED else 0.3}
            for at in range(0, options.members)
        ]
        for at in range(0, len(loads), 1000):
            server.call("POST", "load", loads[at : at + 1000])
        browser.wait(OVER)
        banner = browser.find("#wrong ul").text
        found, drained = drain(browser, f"host{number:05d}")
        browser.driver.get(server.url)
        browser.wait(OVER)
        wrong = violations(browser, options.pictures)
        complaints = browser.complaints
    alone = middle([by_api(server, number - at) for at in range(1, options.loads + 1)])
    paint, figures = (middle(list(times)) for times in zip(*opened, strict=True))
    print(f"page                 {packed} octets, {plain} unpacked; a tick {tick}")
    print(f"first paint          {paint:.0f} ms, first figures {figures:.0f} ms")
    print(
        f"one of {options.members:<12}  found after {found:.0f} ms, "
        f"drained after {drained:.0f} ms more (by the API {alone:.0f} ms)"
    )
    print(f"banner               {banner}")
    print(f"axe-core             {wrong} violations at three widths, in two colours")
    print(
        f"longest turn         {longest_turn(server.url):.0f} ms "
        f"(before the first browser {calm:.0f} ms)"
    )
    for complaint in complaints:
        print(complaint)
    return wrong + len(complaints)


def main() -> None:
    """Start a server, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--loads", type=int, default=5)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    if options.pictures is not None:
        options.pictures.mkdir(parents=True, exist_ok=True)
    print(f"load                 {os.getloadavg()[0]:.1f}")
    server = PageServer(crowd, options.members)
    try:
        server.daemon.start_seconds = 120.0
        server.start()
        wrong = measure(server, options)
    finally:
        server.daemon.clean_up()
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

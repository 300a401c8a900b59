"""The dashboard: one page with its styles and script, built when the server starts."""

import gzip
import hashlib
from base64 import b64encode
from importlib.resources import files

from twisted.web.server import Request

from dinamed.web.resources import Endpoint

_PARTS = files("dinamed.web") / "page"
STYLES = ("base.css", "figures.css", "pools.css", "side.css")
SCRIPTS = (
    "tools.js",
    "graph.js",
    "members.js",
    "pools.js",
    "orders.js",
    "explain.js",
    "side.js",
    "map.js",
    "live.js",
)
"""In this order, and with one scope for all of them."""


class Dashboard:
    """The page, plain and packed, and the policy that lets it run its own code only."""

    def __init__(self) -> None:
        style = "".join(map(_part, STYLES))
        body = "".join(map(_part, SCRIPTS))
        script = f'"use strict";\n(() => {{\n{body}}})();\n'
        page = _part("page.html").replace("/*style*/", style, 1)
        page = page.replace("/*land*/", _part("land.txt").strip(), 1)
        page = page.replace("/*script*/", script, 1)
        self.page = page.encode()
        self.packed = gzip.compress(self.page, mtime=0)
        self._tag = f'"{hashlib.sha256(self.page).hexdigest()[:16]}"'.encode()
        self.policy = "; ".join(
            (
                "default-src 'none'",
                f"style-src '{_hash(style)}'",
                f"script-src '{_hash(script)}'",
                "connect-src 'self'",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            )
        )

    def resource(self) -> Endpoint:
        """The address of the page."""
        return Endpoint({b"GET": lambda request: self})

    def send(self, request: Request) -> None:
        """Send the page, if the browser does not have it already."""
        body = self.page
        for name, value in (
            ("content-type", "text/html; charset=utf-8"),
            ("content-security-policy", self.policy),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-cache"),
            ("vary", "accept-encoding"),
        ):
            request.setHeader(name, value)
        if "gzip" in (request.getHeader("accept-encoding") or ""):
            request.setHeader(b"content-encoding", b"gzip")
            body = self.packed
        if request.setETag(self._tag):
            request.finish()
            return
        request.setHeader(b"content-length", str(len(body)).encode())
        if request.method != b"HEAD":
            request.write(body)
        request.finish()


def _part(name: str) -> str:
    return (_PARTS / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()

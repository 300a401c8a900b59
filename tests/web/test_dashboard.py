"""The dashboard's page, as it is sent."""

import gzip
import re
from base64 import b64encode
from hashlib import sha256

from tests.web.support import SiteCase


class DashboardTests(SiteCase):
    """Headers and body."""

    async def test_self_contained(self) -> None:
        """Style and script are in it, and are what the policy allows."""
        reply = await self.ask("GET", "/")
        text = reply.body.decode()
        self.assertEqual(reply.type, "text/html; charset=utf-8")
        (policy,) = reply.headers.getRawHeaders("content-security-policy") or []
        for tag in ("style", "script"):
            (inline,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
            self.assertGreater(len(inline), 1000)
            digest = b64encode(sha256(inline.encode()).digest()).decode()
            self.assertIn(f"{tag}-src 'sha256-{digest}'", policy)
        self.assertIn("default-src 'none'", policy)
        self.assertNotRegex(text, r"(src|href)=\"?(https?:)?//")
        self.assertNotIn("innerHTML", text)
        self.assertNotRegex(text, r"<[^>]+ (style|on\w+)=")

    async def test_packed(self) -> None:
        """Browsers get it packed, and only once."""
        plain = await self.ask("GET", "/")
        packed = await self.ask("GET", "/", accept_encoding="gzip, br")
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertLess(len(packed.body), 25_000)
        (tag,) = packed.headers.getRawHeaders("etag") or []
        again = await self.ask("GET", "/", if_none_match=tag)
        self.assertEqual((again.status, again.body), (304, b""))

    async def test_head(self) -> None:
        """HEAD has the headers alone."""
        reply = await self.ask("HEAD", "/")
        self.assertEqual((reply.status, reply.body), (200, b""))

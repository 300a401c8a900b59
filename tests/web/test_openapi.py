"""The description of the API against the API."""

from dinamed.web.openapi import OPERATIONS
from tests.web.support import SiteCase


class DescriptionTests(SiteCase):
    """What it says is there, and what is there it says."""

    async def test_operations(self) -> None:
        """Each operation that reads answers; each that changes is there."""
        for one in OPERATIONS:
            path = one.path.format(pool="mirrors", member="big", zone="x.test")
            if one.arguments:
                path += "?name=ftp.example.org"
            with self.subTest(path):
                method = "HEAD" if one.method == "get" else one.method.upper()
                reply = await self.ask(method, path, raw=b"{")
                # No zone is signed here.
                missing = (404,) if "{zone}" in one.path else ()
                self.assertIn(reply.status, (200, 400, 409, *missing))

    async def test_served(self) -> None:
        """References lead somewhere, and names are unique."""
        told = await self.json("GET", "/api/v1/openapi.json", 200)
        self.assertEqual(told["openapi"], "3.1.0")
        schemas = told["components"]["schemas"]
        names = [
            operation["operationId"]
            for path in told["paths"].values()
            for operation in path.values()
        ]
        self.assertEqual(len(names), len(set(names)))
        references = list(self.references(told))
        self.assertGreater(len(references), 10)
        for reference in references:
            self.assertIn(reference.removeprefix("#/components/schemas/"), schemas)

    def references(self, told: object) -> list[str]:
        """All `$ref` in it."""
        if isinstance(told, list):
            return [one for part in told for one in self.references(part)]
        if not isinstance(told, dict):
            return []
        found = [told["$ref"]] if "$ref" in told else []
        return found + [one for part in told.values() for one in self.references(part)]

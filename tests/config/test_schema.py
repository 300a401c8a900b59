"""The JSON schema of the config against every example there is."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.default import EXAMPLE
from dinamed.config.schema import config_schema

ROOT = Path(__file__).resolve().parents[2]


def examples() -> dict[str, dict[str, Any]]:
    """Whole configs: of files, and of the manual's code blocks that are some."""
    found = {
        str(path): path.read_text()
        for path in (Path(EXAMPLE), ROOT / "etc/dinamed.toml")
    }
    for page in [*(ROOT / "docs").glob("*.rst"), ROOT / "README.rst"]:
        blocks = re.findall(
            r"^( *)\.\. code-block:: toml\n\n((?:\1 .*\n|\n)+)", page.read_text(), re.M
        )
        for number, (_, block) in enumerate(blocks):
            lines = block.splitlines()
            indent = min(len(one) - len(one.lstrip()) for one in lines if one.strip())
            text = "\n".join(line[indent:] for line in lines)
            if re.search(r"^\[", text, re.M):
                found[f"{page.name} {number}"] = text
    return {name: tomllib.loads(text) for name, text in found.items()}


class SchemaTests(SynchronousTestCase):
    """What it accepts and refuses."""

    def setUp(self) -> None:
        """Make it; it must be a schema itself."""
        schema = json.loads(json.dumps(config_schema()))
        jsonschema_rs.meta.validate(schema)
        self.validator = jsonschema_rs.validator_for(schema)

    def test_examples(self) -> None:
        """Every example of the manual and of the files that come with it."""
        found = examples()
        self.assertGreater(len(found), 5)
        for name, config in found.items():
            # An example of single keys, such as [[members]] alone, is no config.
            if any(key in config for key in ("server", "zones", "pools", "geo")):
                errors = [str(one) for one in self.validator.iter_errors(config)]
                self.assertEqual(errors, [], name)

    def test_good(self) -> None:
        """Forms that a key may have."""
        for text in (
            'include = ["a"]',
            "[limits]\ntcp_idle = 5",
            '[limits]\ntcp_idle = "5m"',
            '[zones."a"]\nfile = "x"\nprimary = ["192.0.2.1", {address = "::1"}]',
            '[pools.p]\nttl = "30s-5m"\nselect = ["country", {best = 3}]',
            '[pools.p.check]\ntype = "tcp"\nport = 80',
            '[[pools.p.check]]\ntype = "tcp"\nport = 80\nquorum = 0.5',
            '[zone_defaults]\nnotify = ["192.0.2.1"]',
            '[[pools.p.members]]\nname = "a"\naddresses = ["::1"]\nlocation = [1, 2]',
        ):
            errors = list(self.validator.iter_errors(tomllib.loads(text)))
            self.assertEqual(errors, [], text)

    def test_bad(self) -> None:
        """Unknown keys, wrong types, ranges, and types of checks."""
        for text in (
            "a = 1",
            "[server]\nlisten = 1",
            "[server]\nidentiy = 'x'",
            "[limits]\ntcp_idle = 0.5",
            "[limits]\ntcp_idle = 'x'",
            "[pools.p]\nname = 'q'",
            "[pools.p.check]\ntype = 'tpc'\nport = 80",
            "[pools.p.check]\ntype = 'tcp'\nport = 0",
            "[[pools.p.members]]\naddresses = ['::1']",
            "[[pools.p.members]]\nname = 'a'\nlocation = [1]",
        ):
            errors = list(self.validator.iter_errors(tomllib.loads(text)))
            self.assertNotEqual(errors, [], text)

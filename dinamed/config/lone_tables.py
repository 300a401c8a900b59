"""Reading a TOML text with very many zones that are a file each, and nothing else.

`tomllib` takes thirty microseconds for such a table.  Here their plain form is cut out
of the text with a pattern, but for the first one, and the rest is read by `tomllib`.
Where anything about the rest is not as it should be the whole text goes to `tomllib`,
so that its messages, and what it accepts, stay what they are.
"""

import re
import tomllib

FEWEST = 1000
"""Tables from which on this is worth it."""
_LONE = re.compile(
    r'^\[zones\."([A-Za-z0-9._-]+)"\]\n'
    r'file[ ]?=[ ]?"([^"\\\x00-\x1f\x7f]+)"\n'
    r"\n*(?=\[|\Z)",
    re.MULTILINE,
)


def loads(text: str) -> dict[str, object]:
    """What `tomllib.loads` says.  Raises `ValueError` as that does."""
    found = None
    # Within a string of several lines a header would be none.
    if text.count('\n[zones."') >= FEWEST and '"""' not in text and "'''" not in text:
        found = _without_lone(text)
    return tomllib.loads(text) if found is None else found


def _without_lone(text: str) -> dict[str, object] | None:
    """The same, pieced together; None: read the whole text."""
    lone: dict[str, object] = {}
    rest: list[str] = []
    start = count = 0
    for match in _LONE.finditer(text):
        count += 1
        if count == 1:
            continue  # so that `zones` is the table that it would be
        rest.append(text[start : match.start()])
        start = match.end()
        lone[match[1]] = {"file": match[2]}
    rest.append(text[start:])
    if len(lone) != max(0, count - 1):
        return None  # one stands there twice
    try:
        found = tomllib.loads("".join(rest))
    except ValueError:
        return None
    zones = found.get("zones")
    if not isinstance(zones, dict) or zones.keys() & lone.keys():
        return None
    zones.update(lone)
    return found

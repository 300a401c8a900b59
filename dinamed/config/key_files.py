"""Files with keys for TSIG: the clauses that `tsig-keygen` prints."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""\s+ | //[^\n]* | \#[^\n]* | /\*.*?\*/
    | (?P<mark> [{};] ) | "(?P<quoted> [^"]* )" | (?P<word> [^\s{};"]+ )
    | (?P<bad> " )""",
    re.VERBOSE | re.DOTALL,
)
_ALIASES = {"hmac-md5.sig-alg.reg.int": "hmac-md5"}


class KeyClause(NamedTuple):
    """`key "NAME" { algorithm ALGORITHM; secret "SECRET"; };`.

    In lower case but for the secret; what is left out is empty.
    """

    name: str
    algorithm: str
    secret: str


def key_clauses(text: str) -> list[KeyClause]:
    """The clauses of a file, as BIND's programs read them; none in other texts."""
    tokens = list(_tokens(text))
    found = []
    at = 0
    while at + 2 < len(tokens):
        if tokens[at].lower() != "key" or tokens[at + 2] != "{":
            at += 1
            continue
        name = tokens[at + 1].lower().removesuffix(".")
        at += 3
        options: dict[str, str] = {}
        while at + 1 < len(tokens) and tokens[at] != "}":
            if tokens[at] != ";":
                options[tokens[at].lower()] = tokens[at + 1]
                at += 1
            at += 1
        algorithm = options.get("algorithm", "").lower().removesuffix(".")
        algorithm = _ALIASES.get(algorithm, algorithm)
        found.append(KeyClause(name, algorithm, options.get("secret", "")))
    return found


def _tokens(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind is not None and kind != "bad":
            yield match[kind]

"""What `dinamed top` is asked to show: scrolled, filtered and sorted by keys."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

SORTS = ("config", "trouble", "load", "hand-outs", "name")
SEQUENCES = {
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1b[5~": "page up", b"\x1b[6~": "page down",
    b"\x1b[H": "home", b"\x1b[F": "end", b"\x1b[1~": "home", b"\x1b[4~": "end",
    b"\x1bOA": "up", b"\x1bOB": "down", b"\x1bOH": "home", b"\x1bOF": "end",
}  # fmt: skip
"""What terminals send for keys that are no letters."""
LETTERS = {
    "j": "down", "k": "up", " ": "page down", "b": "page up", "g": "home", "G": "end",
}  # fmt: skip
HELP = (
    "Up, Down, k, j       a line",
    "PageUp, PageDown     a screen; b and space too",
    "Home, End            the first, the last line",
    "/                    show members with these words",
    "Escape               show all again",
    "s                    sort: " + ", ".join(SORTS),
    "?                    this help, and back",
    "q                    end",
)


class TopView(NamedTuple):
    """How it is shown; `first` is the first line of the list, `typing` that the words
    of the filter are being typed."""

    first: int = 0
    find: str = ""
    sort: str = SORTS[0]
    typing: bool = False
    help: bool = False
    ended: bool = False

    def pressed(self, key: str, lines: int, room: int) -> "TopView":
        """The view after a key, with so many lines of which so many fit."""
        if self.typing:
            return self._typed(key)
        match key:
            case "q" | "Q" | "":
                return self._replace(ended=True)
            case "/":
                return self._replace(typing=True, help=False)
            case "escape":
                return self._replace(find="", first=0, help=False)
            case "s":
                place = (SORTS.index(self.sort) + 1) % len(SORTS)
                return self._replace(sort=SORTS[place], first=0)
            case "?" | "h":
                return self._replace(help=not self.help, first=0)
        last = max(0, lines - room)
        steps = {
            "up": self.first - 1,
            "down": self.first + 1,
            "page up": self.first - room,
            "page down": self.first + room,
            "home": 0,
            "end": last,
        }
        first = steps.get(LETTERS.get(key, key), self.first)
        return self._replace(first=max(0, min(last, first)))

    def _typed(self, key: str) -> "TopView":
        match key:
            case "enter":
                return self._replace(typing=False)
            case "escape":
                return self._replace(typing=False, find="", first=0)
            case "backspace":
                return self._replace(find=self.find[:-1], first=0)
            case "":
                return self._replace(ended=True)
        if len(key) == 1 and key.isprintable():
            return self._replace(find=self.find + key, first=0)
        return self

    def members(self, pool: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """The members of a pool that are to be shown, in their order."""
        words = self.find.lower().split()
        found = [
            member
            for member in pool["members"]
            if all(word in f"{pool['name']}/{member['name']}".lower() for word in words)
        ]
        match self.sort:
            case "trouble":
                found.sort(key=lambda one: (_rank(one), -_use(one)))
            case "load":
                found.sort(key=_use, reverse=True)
            case "hand-outs":
                found.sort(key=lambda one: one["hand_outs"], reverse=True)
            case "name":
                found.sort(key=lambda one: str(one["name"]))
        return found


def keys(data: bytes) -> Iterator[str]:
    """The keys of what a terminal has sent; "" stands for its end."""
    if not data:
        yield ""
    while data:
        for sequence, name in SEQUENCES.items():
            if data.startswith(sequence):
                yield name
                data = data[len(sequence) :]
                break
        else:
            yield _key(data[0])
            data = data[1:]


def _key(octet: int) -> str:
    match octet:
        case 0x1B:
            return "escape"
        case 0x0A | 0x0D:
            return "enter"
        case 0x08 | 0x7F:
            return "backspace"
        case 0x03 | 0x04:
            return "q"
    return chr(octet) if 0x20 <= octet < 0x7F else "other"


def _use(member: Mapping[str, Any]) -> float:
    """The load, or what is foreseen if that is more, as a share of the capacity."""
    load = max(member["load"] or 0.0, member["predicted"] or 0.0)
    return float(load / member["capacity"])


def _rank(member: Mapping[str, Any]) -> int:
    """0 for what is worst."""
    if member["state"] == "down":
        return 0
    if _use(member) >= 0.9:
        return 1
    return 2 if member["state"] == "drain" or member["reason"] else 3

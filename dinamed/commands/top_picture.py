"""The pictures of `dinamed top`: lines for terminals of 50 columns and more."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dinamed.commands.status import duration
from dinamed.commands.top_view import HELP, TopView

RED, YELLOW, GREEN, DIM, BOLD = "31", "33", "32", "2", "1"
ROOMY = 90
"""Columns from which on a row has room for all."""

Rates = Mapping[tuple[str, str], float]


class Seen(NamedTuple):
    """The server's status at one time, and the hand-outs up to then."""

    at: float
    told: Mapping[str, Any]

    def hand_outs(self) -> dict[tuple[str, str], int]:
        """By pool and member."""
        return {
            (pool["name"], member["name"]): member["hand_outs"]
            for pool in self.told["pools"]
            for member in pool["members"]
        }


class Layout(NamedTuple):
    """How wide the columns of a row are."""

    name: int
    bar: int
    room: int
    hand_outs: int
    rate: int
    roomy: bool


def layout_of(columns: int, longest: int) -> Layout:
    """For a terminal so wide, and names up to so long."""
    if columns >= ROOMY:
        return Layout(min(max(longest, 6), 30), 24, 6, 15, 8, True)
    spare = max(0, columns - 50)
    name = min(max(longest, 6), 10 + spare // 2)
    return Layout(name, 6 + (spare - (name - 10 if name > 10 else 0)), 5, 6, 6, False)


def lines(
    seen: Seen,
    before: Seen | None,
    now: float,
    colour: bool,
    view: TopView | None = None,
    columns: int = 120,
) -> list[str]:
    """One picture, the head first; rates need two sights."""
    view = TopView() if view is None else view
    head, rates = _head(seen, before, colour, columns)
    picture = [*head]
    if view.help:
        return [*picture, "", *HELP]
    for pool in seen.told["pools"]:
        members = view.members(pool)
        if members or not view.find:
            picture += ["", *_pool(pool, members, rates, now, colour, columns)]
    return picture


def screen_of(picture: list[str], view: TopView, columns: int, rows: int) -> list[str]:
    """The part of a picture that is seen: its first line, the list, and a last line
    with what keys do."""
    room = room_of(rows)
    body = picture[1:]
    shown = body[view.first : view.first + room]
    shown += [""] * (room - len(shown))
    last = min(len(body), view.first + room)
    keys = f"/{view.find}_" if view.typing else "? help  / find  s sort  q end"
    if view.find and not view.typing:
        keys = f"/{view.find}  " + keys
    place = f"{view.first + 1}-{last}/{len(body)} {view.sort}"
    foot = f"{place:<{max(0, columns - len(keys) - 1)}} {keys}"
    return [cut(line, columns) for line in (picture[0], *shown, foot)]


def room_of(rows: int) -> int:
    """Lines of the list that a terminal of so many rows shows."""
    return max(1, rows - 2)


def _head(
    seen: Seen, before: Seen | None, colour: bool, columns: int
) -> tuple[list[str], Rates]:
    status = seen.told["status"]
    words = [
        status["identity"],
        f"dinamed {status['version']} ({status['engine']})",
        f"up {duration(status['up'])}",
        f"{status['questions']} questions",
    ]
    rates: dict[tuple[str, str], float] = {}
    if before is not None and seen.at > before.at:
        lapse = seen.at - before.at
        gained = status["questions"] - before.told["status"]["questions"]
        words.append(f"{max(0, gained) / lapse:.0f}/s")
        earlier = before.hand_outs()
        rates = {
            key: max(0, count - earlier.get(key, count)) / lapse
            for key, count in seen.hand_outs().items()
        }
    words.append(f"{status['connections']} streams")
    if columns < ROOMY:
        # What changes comes first where not all has room.
        words = [words[0], *words[4:], *words[2:4]]
    head = painted("  ".join(words), BOLD, colour)
    if status["failures"]:
        head += painted(f"  {status['failures']} failures", RED, colour)
    return [head], rates


def _pool(
    pool: Mapping[str, Any],
    members: Any,
    rates: Rates,
    now: float,
    colour: bool,
    columns: int,
) -> Iterator[str]:
    title = f"{pool['name']} ({', '.join(pool['select'])})"
    yield painted(title, BOLD, colour)
    if pool["down"]:
        yield painted(f"  {_lacking(pool)}: {pool['when_down']}", RED, colour)
    longest = max([len(member["name"]) for member in members] + [6])
    layout = layout_of(columns, longest)
    width = layout.name
    if layout.roomy:
        head = f"  {'MEMBER':{width}}  {'STATE':5}  {'LOAD':{layout.bar}}       "
        head += "    OF      HAND-OUTS      /S"
    else:
        head = f"  {'MEMBER':{width}} STATE {'LOAD':{layout.bar}}      {'OF':>5}"
        head += "  HANDS     /S"
    yield painted(head, DIM, colour)
    for member in members:
        rate = rates.get((pool["name"], member["name"]))
        yield from _row(member, rate, layout, now, colour)


def _lacking(pool: Mapping[str, Any]) -> str:
    return str(pool.get("lacking") or "no usable member")


def _row(
    member: Mapping[str, Any],
    rate: float | None,
    layout: Layout,
    now: float,
    colour: bool,
) -> Iterator[str]:
    shown = "-" if rate is None else f"{rate:.1f}" if rate < 1000 else _short(rate)
    paint = {"up": GREEN, "drain": YELLOW}.get(member["state"], RED)
    state = painted(f"{member['state']:5}", paint, colour)
    gap = "  " if layout.roomy else " "
    given = member["hand_outs"]
    count = str(given) if layout.roomy else _short(given)
    row = (
        f"  {member['name'][: layout.name]:{layout.name}}{gap}{state}{gap}"
        f"{_bar(member, layout, colour)}{'' if layout.roomy else ' '}"
        f"{count:>{layout.hand_outs}}{'' if layout.roomy else ' '}"
        f"{shown:>{layout.rate}}"
    )
    why = _why(member, now)
    if not why or layout.roomy:
        yield row + (painted(f"  {why}", DIM, colour) if why else "")
        return
    yield row
    yield painted(f"    {why}", DIM, colour)


def _why(member: Mapping[str, Any], now: float) -> str:
    words = [member["reason"]] if member["reason"] else []
    if member["order"] == "up":
        words.append("up by order")
    if member["until"] is not None:
        words.append(f"{duration(member['until'] - now)} more")
    return ", ".join(words)


def _bar(member: Mapping[str, Any], layout: Layout, colour: bool) -> str:
    """Load, and what is foreseen beyond it, as a share of the capacity."""
    load, room, bar = member["load"], member["capacity"], layout.bar
    gap = "  " if layout.roomy else " "
    capacity = f"{room:>{layout.room}.4g}"
    if load is None:
        nothing = "no report" if bar >= 9 else "-"
        return (
            f"{nothing:{bar}}{gap}     {capacity}"
            if layout.roomy
            else (f"{nothing:{bar}}{gap}    {gap}{capacity}")
        )
    share = load / room
    ahead = max(share, (member["predicted"] or 0) / room)
    full = min(bar, round(share * bar))
    more = min(bar, round(ahead * bar)) - full
    paint = RED if share >= 0.9 else YELLOW if share >= 0.7 else GREEN
    drawn = painted("#" * full, paint, colour) + painted("+" * more, DIM, colour)
    return f"{drawn}{'.' * (bar - full - more)}{gap}{share:>4.0%} {capacity}"


def _short(number: float) -> str:
    """In at most six columns."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= 10 * size or (number >= size and size >= 1e6):
            return f"{number / size:.3g}{letter}"
    return f"{number:.0f}"


def painted(text: str, paint: str, colour: bool) -> str:
    """The text in a colour, if colours are wanted."""
    return f"\x1b[{paint}m{text}\x1b[0m" if colour and text else text


def cut(line: str, columns: int) -> str:
    """The line without what does not fit; colours take no room."""
    shown, place, room = [], 0, columns
    while place < len(line) and room > 0:
        if line[place] == "\x1b":
            end = line.index("m", place) + 1
            shown.append(line[place:end])
            place = end
            continue
        shown.append(line[place])
        place, room = place + 1, room - 1
    return "".join(shown) + "\x1b[0m"

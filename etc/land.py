#!/usr/bin/env python3
"""Draws the land of the dashboard's map: `land.py land-110m.json > land.txt`.

The file is Natural Earth's land at 1:110 million (public domain) as TopoJSON, as the
npm package `world-atlas` has it.  What comes out is the data of one SVG path in steps
of half a degree: x goes from 0 at 169.5 degrees west once around to 720, y from 0 at 84
degrees north to 282 at 57 south.  The cut is in the Bering Strait, where it meets no
land but small islands, which are left out.
"""

import json
import sys
from itertools import pairwise

NORTH, SOUTH = 84.0, -57.0
WEST = -169.5
COARSE = 0.5
"""Degrees by which an outline may be off."""
LEAST = 2.5
"""Square degrees of the smallest island."""

Point = tuple[float, float]


def arcs_of(topology: dict) -> list[list[Point]]:
    """The lines of a quantized topology, in degrees east of `WEST` and north."""
    (sx, sy), (tx, ty) = (topology["transform"][k] for k in ("scale", "translate"))
    found = []
    for arc in topology["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append(((x * sx + tx - WEST) % 360, y * sy + ty))
        found.append(line)
    return found


def rings_of(topology: dict) -> list[list[Point]]:
    """The outer outlines of all land."""
    arcs = arcs_of(topology)
    rings = []
    for geometry in topology["objects"]["land"]["geometries"]:
        polygons = geometry["arcs"]
        for polygon in [polygons] if geometry["type"] == "Polygon" else polygons:
            ring: list[Point] = []
            for index in polygon[0]:
                line = arcs[index] if index >= 0 else arcs[~index][::-1]
                ring += line[1:] if ring else line
            rings.append(ring)
    return rings


def thinned(line: list[Point]) -> list[Point]:
    """The line without points that matter little (Douglas and Peucker)."""
    if len(line) < 3:
        return line
    (x0, y0), (x1, y1) = line[0], line[-1]
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    far, at = 0.0, 0
    for place, (x, y) in enumerate(line[1:-1], 1):
        if length:
            away = abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length
        else:
            away = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
        if away > far:
            far, at = away, place
    if far <= COARSE:
        return [line[0], line[-1]]
    return thinned(line[: at + 1])[:-1] + thinned(line[at:])


def area(ring: list[Point]) -> float:
    """Of what the outline encloses, in square degrees."""
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring))) / 2


def drawn(ring: list[Point]) -> str:
    """The outline as steps from point to point."""
    points = [
        (round(x * 2), round((NORTH - min(NORTH, max(SOUTH, y))) * 2))
        for x, y in ring[:-1]
    ]
    text = "M{},{}l".format(*points[0])
    steps = [(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in pairwise(points)]
    for number, (x, y) in enumerate(step for step in steps if step != (0, 0)):
        between = "" if number == 0 or x < 0 else " "
        text += f"{between}{x}{'' if y < 0 else ' '}{y}"
    return text + "z"


def main() -> None:
    """Print the path."""
    with open(sys.argv[1], encoding="utf-8") as file:
        topology = json.load(file)
    rings = [ring for ring in rings_of(topology) if area(ring) >= LEAST]
    wanted = [
        ring
        for ring in rings
        if max(y for _, y in ring) > SOUTH
        and max(x for x, _ in ring) - min(x for x, _ in ring) < 300
    ]
    print("".join(drawn(thinned(ring)) for ring in wanted))


if __name__ == "__main__":
    main()

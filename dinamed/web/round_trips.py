"""`POST /api/v1/rtt`: round trips that mirrors and others have measured."""

from collections.abc import Callable
from typing import Any

import msgspec
from twisted.web.server import Request

from dinamed.steering.samples import MAX_ITEMS, Samples
from dinamed.web.messages import PushReply
from dinamed.web.resources import HttpError, body_of, raw_body_of

LINES = frozenset(("application/x-ndjson", "application/ndjson", "application/jsonl"))
"""Content types of a body with one sample a line."""


class RoundTripReceiver:
    """Takes samples out of requests."""

    def __init__(self, samples: Samples, clock: Callable[[], float]) -> None:
        self._samples = samples
        self._clock = clock

    def push(self, request: Request) -> PushReply:
        """Take samples; what is wrong with some does not harm the others.

        Raises `HttpError` 400, 413 or 415.
        """
        items, problems = _items(request)
        count = len(items) + len(problems) if isinstance(items, list) else 1
        numbers = sorted(set(range(count)) - problems.keys())
        try:
            wrong = self._samples.take(items, self._clock())
        except ValueError as error:
            raise HttpError(400, f"body: {error}") from None
        problems |= {numbers[index]: why for index, why in wrong.items()}
        told = tuple(f"{index}: {why}" for index, why in sorted(problems.items()))
        if len(told) == count and count:
            raise HttpError(400, "no sample was taken", told)
        return PushReply(count - len(told), told)


def _items(request: Request) -> tuple[Any, dict[int, str]]:
    """The samples of a body, and by index what is wrong with lines that are no JSON."""
    header = request.getHeader("content-type") or ""
    if header.partition(";")[0].strip().lower() not in LINES:
        return body_of(request, Any), {}
    lines = [line for line in raw_body_of(request).splitlines() if line.strip()]
    if len(lines) > MAX_ITEMS:
        raise HttpError(400, f"body: more than {MAX_ITEMS} samples at once")
    items: list[Any] = []
    problems: dict[int, str] = {}
    for index, line in enumerate(lines):
        try:
            items.append(msgspec.json.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            problems[index] = str(error)
    return items, problems

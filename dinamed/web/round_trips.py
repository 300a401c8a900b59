"""`POST /api/v1/rtt`: round trips that mirrors and others have measured."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator
from twisted.web.server import Request

from dinamed.steering.samples import MAX_ITEMS, Samples
from dinamed.web.messages import PushReply
from dinamed.web.resources import HttpError, body_of, raw_body_of
from dinamed.web.slowly import gather

LINES = frozenset(("application/x-ndjson", "application/ndjson", "application/jsonl"))
"""Content types of a body with one sample a line."""


class RoundTripReceiver:
    """Takes samples out of requests, in slices of the cooperator's time."""

    def __init__(
        self, samples: Samples, clock: Callable[[], float], cooperator: Cooperator
    ) -> None:
        self._samples = samples
        self._clock = clock
        self._cooperator = cooperator

    def push(self, request: Request) -> Deferred[PushReply]:
        """Take samples; what is wrong with some does not harm the others.

        Raises `HttpError` 400, 413 or 415, or the Deferred fails with it.
        """
        items, problems = _items(request)
        count = len(items) + len(problems) if isinstance(items, list) else 1
        numbers = sorted(set(range(count)) - problems.keys())
        try:
            taking = self._samples.taking(items, self._clock())
        except ValueError as error:
            raise HttpError(400, f"body: {error}") from None

        def done(outcomes: list[str]) -> PushReply:
            told = zip(numbers, outcomes, strict=True)
            return _reply(problems | {index: why for index, why in told if why}, count)

        return gather(self._cooperator, taking).addCallback(done)


def _reply(problems: Mapping[int, str], count: int) -> PushReply:
    """The reply, if any sample was taken or there was none; else `HttpError` 400."""
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

"""The `json` feed: numbers out of a JSON text."""

import msgspec
from twisted.internet.defer import Deferred

from dinamed.clock import Clock
from dinamed.config.feed_forms import JsonPath, split_path
from dinamed.config.feeds import JsonFeed
from dinamed.load.fetch import Fetcher
from dinamed.load.poller import FeedError, LoadReactor, ProbeTarget
from dinamed.pools.report import Report, make_report

BODY_LIMIT = 2**20  # octets
ACCEPT = "application/json, */*;q=0.5"


class JsonSource:
    """Asks members by a `json` feed.

    @raise OSError: the file of authorities can't be read.
    @raise ValueError: it holds no certificate, or a broken one.
    """

    def __init__(
        self, reactor: LoadReactor, feed: JsonFeed, wall: Clock | None = None
    ) -> None:
        self._wall = wall or reactor.seconds
        self._feed = feed
        self._fetcher = Fetcher(reactor, feed, ACCEPT, BODY_LIMIT)
        self._load = split_path(feed.path)
        named = {
            "capacity": feed.capacity,
            "increment": feed.increment,
            "at": feed.at,
        }
        self._others = {
            name: split_path(path) for name, path in named.items() if path is not None
        }

    def poller(self, target: ProbeTarget) -> "JsonPoller":
        """See L{Source}."""
        return JsonPoller(self, target)

    def ask(self, target: ProbeTarget) -> "Deferred[Report | None]":
        """Ask a target; see L{Poller.poll}."""
        return self._fetcher.fetch(target).addCallback(self._read)

    def _read(self, body: bytes) -> Report | None:
        try:
            document = msgspec.json.decode(body)
            return make_report(
                find(document, self._load),
                now=self._wall(),
                source=self._feed.kind,
                **{name: find(document, path) for name, path in self._others.items()},
            )
        except RecursionError:
            raise FeedError("the JSON is nested too deeply") from None
        except msgspec.DecodeError as error:
            raise FeedError(f"not JSON: {error}") from None
        except ValueError as error:
            raise FeedError(str(error)) from None


class JsonPoller:
    """Asks one member."""

    def __init__(self, source: JsonSource, target: ProbeTarget) -> None:
        self._source = source
        self._target = target

    def poll(self) -> "Deferred[Report | None]":
        """See L{Poller}."""
        return self._source.ask(self._target)


def find(document: object, path: JsonPath) -> object:
    """The value in a document at a path.

    @raise ValueError: nothing does; the message says where the path ends.
    """
    here = document
    for count, step in enumerate(path):
        match here, step:
            case dict(), str() if step in here:
                here = here[step]
            case list(), int() if step < len(here):
                here = here[step]
            case _:
                raise ValueError(f"the JSON has nothing at {shown_path(path, count)}")
    if here is None:
        raise ValueError(f"the JSON has null at {shown_path(path, len(path) - 1)}")
    return here


def shown_path(path: JsonPath, last: int) -> str:
    """The beginning of a path, up to and with the step of index `last`."""
    text = ""
    for step in path[: last + 1]:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")

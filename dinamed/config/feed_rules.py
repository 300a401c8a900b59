"""Reading `[pools.NAME.load]`: one feed, by its type."""

import os
from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from dinamed.config import feeds
from dinamed.config.check_forms import split_url
from dinamed.config.check_rules import executable
from dinamed.config.feeds import Feed
from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.secrets import with_header_files

_KINDS: Mapping[str, type[Feed]] = MappingProxyType(
    {str(kind.__struct_config__.tag): kind for kind in feeds.KINDS}
)


def read_feed(reader: Reader, raw: object, path: Path) -> Feed | None:
    """Read the value of a pool's `load`; report all that does not hold."""
    feed = reader.tagged(_KINDS, raw, path)
    if feed is None:
        return None
    if feed.limit >= feed.interval and reader.intact((*path, "timeout")):
        reader.report((*path, "timeout"), "must be shorter than the interval")
    if feed.stale < feed.interval and reader.intact((*path, "stale_after")):
        message = "reports would count no longer before the next ones come"
        reader.report((*path, "stale_after"), message)
    match feed:
        case feeds.HttpFeed():
            _http(reader, feed, path)
            headers = with_header_files(reader, feed.headers, feed.header_files, path)
            return replace(feed, headers=headers)
        case feeds.ExecFeed():
            here: Path = (*path, "command")
            return replace(feed, command=executable(reader, feed.command, here))
    return feed


def _http(reader: Reader, feed: feeds.HttpFeed, path: Path) -> None:
    if not reader.intact((*path, "url")):
        return
    secure = split_url(feed.url).scheme == "https"
    if not feed.verify and not secure:
        reader.report((*path, "verify"), "has no use without https")
    if feed.ca is None:
        return
    if not (secure and feed.verify):
        why = "without https" if not secure else "with verify = false"
        reader.report((*path, "ca"), f"has no use {why}")
    if not os.access(feed.ca, os.R_OK):
        reader.report((*path, "ca"), f"can't read {feed.ca}")

"""Reading `[pools.NAME.load]`: one feed, by its type."""

import os
import shutil
from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from dinamed.config import feeds
from dinamed.config.check_forms import split_url
from dinamed.config.feeds import Feed
from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.values import shown

_KINDS: Mapping[str, type[Feed]] = MappingProxyType(
    {str(kind.__struct_config__.tag): kind for kind in feeds.KINDS}
)


def read_feed(reader: Reader, raw: object, path: Path, folder: str) -> Feed | None:
    """Read the value of a pool's `load`; report all that does not hold.

    Relative paths are taken from `folder` and made absolute.
    """
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
            return _http(reader, feed, path, folder)
        case feeds.ExecFeed():
            return _exec(reader, feed, path, folder)
    return feed


def _http(
    reader: Reader, feed: feeds.HttpFeed, path: Path, folder: str
) -> feeds.HttpFeed:
    if not reader.intact((*path, "url")):
        return feed
    secure = split_url(feed.url).scheme == "https"
    if not feed.verify and not secure:
        reader.report((*path, "verify"), "has no use without https")
    if feed.ca is None:
        return feed
    if not (secure and feed.verify):
        why = "without https" if not secure else "with verify = false"
        reader.report((*path, "ca"), f"has no use {why}")
    ca = os.path.join(folder, feed.ca)
    if not os.access(ca, os.R_OK):
        reader.report((*path, "ca"), f"can't read {ca}")
    return replace(feed, ca=ca)


def _exec(
    reader: Reader, feed: feeds.ExecFeed, path: Path, folder: str
) -> feeds.ExecFeed:
    program = feed.command[0]
    if "/" in program:
        program = os.path.join(folder, program)
    if "{" not in program and shutil.which(program) is None:
        reader.report((*path, "command"), f"no program {shown(program)} to execute")
    return replace(feed, command=(program, *feed.command[1:]))

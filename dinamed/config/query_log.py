"""`[query_log]`: where answers are logged."""

from typing import Annotated

import msgspec
from msgspec import Meta

from dinamed.config.values import FilePath

Share = Annotated[float, Meta(gt=0, le=1)]


class QueryLog(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[query_log]`; with neither `file` nor a `dnstap` nothing is written.

    `sample` is the share of the answers that are.
    """

    file: FilePath | None = None
    dnstap_file: FilePath | None = None
    dnstap_socket: FilePath | None = None
    sample: Share = 1.0

    @property
    def wanted(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.file or self.dnstap_file or self.dnstap_socket)

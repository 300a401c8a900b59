"""What a zone of labels says beyond records and pools: see `dinamed.formats`."""

import msgspec

SELF = "@"
"""The target that everyone is in: the label itself."""

KINDS = ("ip", "asn", "region", "regiongroup", "country", "continent", SELF)
"""The kinds of targets, in the order in which geodns looks for them."""


PLACELESS = ("ip", SELF)
"""Those for which no place has to be known."""


class Sample(msgspec.Struct, frozen=True):
    """An RRset of which only some records go into an answer, by chance.

    `weights` are the shares of its records in their order, all above 0; `count` is how
    many are drawn.
    """

    weights: tuple[float, ...]
    count: int


class Targeting(msgspec.Struct, frozen=True):
    """What the labels of one zone are for whom.

    A label followed by a target, `www.europe`, stands for `www` where the client is
    in that target.  `kinds` are the kinds of targets in the order in which they are
    looked for: "ip", "asn", "region", "regiongroup", "country", "continent", "@" (the
    label itself); any other word is a target that everyone is in.

    Labels are relative keys, as in packed zones.  `heads` are those before targets,
    `networks` the targets by prefix.  `aliases` are labels that stand for other ones
    whatever is asked but NS and SOA.  `samples` are RRsets of which some are drawn, by
    label and type.
    """

    origin: bytes
    kinds: tuple[str, ...]
    heads: frozenset[bytes] = frozenset()
    networks: dict[str, bytes] = {}
    aliases: dict[bytes, bytes] = {}
    samples: dict[bytes, dict[int, Sample]] = {}

    @property
    def empty(self) -> bool:
        """Whether there is nothing that plain look-ups would not do."""
        return not (self.heads or self.aliases or self.samples)

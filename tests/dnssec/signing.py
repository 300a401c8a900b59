"""Zones with chains and signatures as a signer leaves them, but for the keys.

The signatures are no real ones: what is tested is which of them are served where.
"""

import dns.dnssec
import dns.name
import dns.rdatatype

ORIGIN = "example.org."
_TIMES = "20370101000000 20260101000000 12345"
_KEY = "257 3 13 " + "A" * 86 + "=="
HEAD = f"""\
@ SOA ns1 hostmaster 1 7200 1800 1209600 300
@ NS ns.example.net.
@ DNSKEY {_KEY}
"""
_SALT = "ABCD"
_ROUNDS = 2

Records = dict[str, dict[str, list[str]]]
"""Record data by absolute owner and type."""


def parse(text: str) -> Records:
    """Lines of relative owner, type and data (with TTL 300) as records."""
    records: Records = {}
    for line in (HEAD + text).splitlines():
        owner, rrtype, data = line.split(maxsplit=2)
        name = ORIGIN if owner == "@" else f"{owner}.{ORIGIN}"
        records.setdefault(name, {}).setdefault(rrtype, []).append(data)
    return records


def _sorted(names: list[str]) -> list[str]:
    return sorted(names, key=dns.name.from_text)


class Signer:
    """Makes the file of a signed zone."""

    def __init__(self, text: str, hashed: bool = False, opt_out: bool = False) -> None:
        self.records = parse(text)
        self.hashed = hashed
        self.opt_out = opt_out
        self._cuts = [
            dns.name.from_text(name)
            for name, types in self.records.items()
            if "NS" in types and name != ORIGIN
        ]

    def text(self) -> str:
        """The master file."""
        if self.hashed:
            parameters = f"1 0 {_ROUNDS} {_SALT}"
            self.records[ORIGIN]["NSEC3PARAM"] = [parameters]
        links = self._hashes() if self.hashed else self._names()
        lines = ["$TTL 300"]
        for name, types in self.records.items():
            for rrtype, datas in types.items():
                lines += [f"{name} {rrtype} {data}" for data in datas]
                if self._is_signed(name, rrtype):
                    lines.append(self._signature(name, rrtype))
        rrtype = "NSEC3" if self.hashed else "NSEC"
        for name, data in links.items():
            lines += [f"{name} {rrtype} {data}", self._signature(name, rrtype)]
        return "\n".join(lines) + "\n"

    def _is_signed(self, name: str, rrtype: str) -> bool:
        owner = dns.name.from_text(name)
        for cut in self._cuts:
            if owner == cut:
                return rrtype == "DS"
            if owner.is_subdomain(cut):
                return False
        return True

    def _signature(self, name: str, rrtype: str) -> str:
        count = len([part for part in name.split(".") if part not in ("", "*")])
        return f"{name} RRSIG {rrtype} 13 {count} 300 {_TIMES} {ORIGIN} AAAA"

    def _owners(self) -> list[str]:
        """The names of the chain: what is authoritative and has data, and cuts."""
        found = []
        for name in self.records:
            owner = dns.name.from_text(name)
            if not any(owner != cut and owner.is_subdomain(cut) for cut in self._cuts):
                found.append(name)
        return found

    def _bitmap(self, name: str) -> str:
        types = [
            rrtype
            for rrtype in self.records.get(name, {})
            if rrtype == "NS" or self._is_signed(name, rrtype)
        ]
        if any(self._is_signed(name, rrtype) for rrtype in types):
            types.append("RRSIG")
        return " ".join(types)

    def _names(self) -> dict[str, str]:
        owners = _sorted(self._owners())
        following = [*owners[1:], owners[0]]
        links = {}
        for name, after in zip(owners, following, strict=True):
            types = " ".join(dict.fromkeys([*self._bitmap(name).split(), "RRSIG"]))
            links[name] = f"{after} {types} NSEC"
        return links

    def _hashes(self) -> dict[str, str]:
        names: set[str] = set()
        for name in self._owners():
            if self.opt_out and set(self.records[name]) == {"NS"}:
                continue
            above = dns.name.from_text(name)
            while above != dns.name.from_text(ORIGIN):
                names.add(above.to_text())
                above = above.parent()
        names.add(ORIGIN)
        hashes = sorted((hashed(name), name) for name in names)
        following = [*hashes[1:], hashes[0]]
        flags = int(self.opt_out)
        return {
            f"{one}.{ORIGIN}": f"1 {flags} {_ROUNDS} {_SALT} {after} "
            f"{self._bitmap(name)}"
            for (one, name), (after, _) in zip(hashes, following, strict=True)
        }


def hashed(name: str) -> str:
    """The hash of a name, as its owner has it."""
    return dns.dnssec.nsec3_hash(name, _SALT, _ROUNDS, "SHA1")

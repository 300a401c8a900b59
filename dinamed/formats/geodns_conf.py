"""Reads `geodns.conf`, and says what of it dinamed has keys for."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

NAME = "geodns.conf"
FOLDERS = (
    "/usr/share/GeoIP",
    "/usr/share/local/GeoIP",
    "/usr/local/share/GeoIP",
    "/opt/local/share/GeoIP",
)
"""Where geodns looks for databases when its config names no folder."""
_DATABASES = (
    ("GeoIP2-City.mmdb", "GeoLite2-City.mmdb"),
    ("GeoIP2-Country.mmdb", "GeoLite2-Country.mmdb"),
    ("GeoIP2-ASN.mmdb", "GeoLite2-ASN.mmdb"),
)
_SECTION = re.compile(r'\[\s*([\w.-]+)\s*(?:"[^"]*")?\s*\]\s*(?:[;#].*)?')
_PAIR = re.compile(r'([\w-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^;#]*))?\s*(?:[;#].*)?')
_ELSEWHERE = {
    "http": "HTTP users: see [server] token_file",
    "avrolog": "logs in Avro: see [query_log] dnstap_file",
    "nodeping": "checks by others: see [pools.NAME.check]",
    "pingdom": "checks by others: see [pools.NAME.check]",
    "dns": "who may see debugging names: see [mgmt] allow",
}


@dataclass
class GeodnsConf:
    """What a file says: values by `(section, key)`, both in lower case."""

    folder: str
    values: dict[tuple[str, str], str] = field(default_factory=dict)
    unread: list[int] = field(default_factory=list)
    """Lines that could not be read."""

    def path(self, section: str, key: str) -> str | None:
        """The path that a key names, absolute; None without one."""
        text = self.values.get((section, key))
        return os.path.join(self.folder, text) if text else None

    @property
    def health(self) -> str | None:
        """The folder of status files."""
        return self.path("health", "directory")


def read_conf(path: str) -> GeodnsConf:
    """Read the file.  Raises `OSError`."""
    conf = GeodnsConf(os.path.dirname(os.path.abspath(path)))
    section = ""
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            text = line.strip()
            if not text or text[0] in ";#":
                continue
            if match := _SECTION.fullmatch(text):
                section = match[1].lower()
            elif match := _PAIR.fullmatch(text):
                value = (match[2] or "true").strip()
                if value.startswith('"'):
                    value = re.sub(r"\\(.)", r"\1", value[1:-1])
                conf.values[section, match[1].lower()] = value
            else:
                conf.unread.append(number)
    return conf


def config_lines(conf: GeodnsConf | None, placed: bool) -> Iterator[str]:
    """The tables of a config that say the same; `placed`: a zone goes by place."""
    yield from _geo(conf, placed)
    if conf is None:
        return
    log = conf.path("querylog", "path")
    if log is not None:
        yield "# geodns writes other JSON: see the manual, Query log"
        yield "[query_log]"
        yield f"file = {json.dumps(log)}"
        yield ""
    for section in dict.fromkeys(section for section, _ in conf.values):
        if section in _ELSEWHERE:
            yield f"# [{section}] of {NAME}, left out: {_ELSEWHERE[section]}"
    for line in conf.unread:
        yield f"# {NAME}:{line} could not be read"


def _geo(conf: GeodnsConf | None, placed: bool) -> Iterator[str]:
    named = None if conf is None else conf.path("geoip", "directory")
    found = [file for folder in ([named] if named else FOLDERS) for file in _in(folder)]
    if found:
        yield "[geo]"
        yield f"databases = {json.dumps(found)}"
        yield ""
    elif placed or named:
        where = named or FOLDERS[0]
        yield "# Without a database nothing is known of where clients are, and all get"
        yield "# what is for nowhere in particular.  None was found here:"
        yield "# [geo]"
        yield f'# databases = ["{where}/GeoLite2-City.mmdb"]'
        yield ""


def _in(folder: str) -> list[str]:
    """The databases in a folder that geodns would open."""
    found = []
    for names in _DATABASES:
        paths = (os.path.join(folder, name) for name in names)
        path = next((path for path in paths if os.path.exists(path)), None)
        if path is not None:
            found.append(path)
    # A city's record tells the country too.
    return [one for one in found if "Country" not in one or "City" not in found[0]]

"""gdnsd's service types as checks."""

from collections.abc import Mapping
from typing import cast

from dinamed.formats.migrated import Table
from dinamed.formats.vscf import Value

BUILT_IN = ("up", "down", "default")
_INTERVAL, _UP, _DOWN = 10.0, 20, 10
_MOST = 1000
ITEM = "%%ITEM%%"


def checks_of(
    names: list[str], types: Mapping[str, Value], notes: list[str]
) -> list[Table]:
    """The checks that these service types are; what is different goes to `notes`."""
    found = []
    for name in names:
        if name in types:
            check = _check(name, cast(dict[str, Value], types[name]), notes)
            found += [] if check is None else [check]
        elif name == "down":
            notes.append(
                'service type "down": drain the members, or give them the weight 0'
            )
        elif name not in BUILT_IN:
            notes.append(f'there is no service type "{name}"')
    return found


def _check(name: str, type_: dict[str, Value], notes: list[str]) -> Table | None:
    plugin = str(type_.get("plugin", ""))
    check: Table
    match plugin:
        case "tcp_connect":
            check = {"type": "tcp", "port": int(str(type_.get("port", 80)))}
        case "http_status":
            port = int(str(type_.get("port", 80)))
            path = str(type_.get("url_path", "/"))
            where = "" if port == 80 else f":{port}"
            check = {"type": "http", "url": f"http://{{address}}{where}{path}"}
            if "vhost" in type_:
                check["host"] = str(type_["vhost"])
            codes = words(type_.get("ok_codes", "200"))
            if codes != ["200"]:
                check["codes"] = [int(code) for code in codes]
        case "extmon":
            command = [word.replace(ITEM, "{address}") for word in words(type_["cmd"])]
            check = {"type": "exec", "command": command}
        case _:
            notes.append(f'service type "{name}" (plugin {plugin}) has no equivalent')
            return None
    return {**check, **_times(name, type_, notes)}


def _times(name: str, type_: Mapping[str, Value], notes: list[str]) -> Table:
    interval = float(str(type_.get("interval", _INTERVAL)))
    timeout = float(str(type_.get("timeout", interval / 2)))
    if timeout >= interval:
        notes.append(
            f'service type "{name}": its timeout of {timeout:g} s is shortened, for a '
            "check ends before the next one begins"
        )
        timeout = interval * 0.9
    return {
        "interval": interval,
        "timeout": timeout,
        "rise": min(int(str(type_.get("up_thresh", _UP))), _MOST),
        "fall": min(int(str(type_.get("down_thresh", _DOWN))), _MOST),
    }


def words(value: Value) -> list[str]:
    """The words of an array, or the one that stands for an array of one."""
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]

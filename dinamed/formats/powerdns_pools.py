"""The functions of PowerDNS' LUA records as pools."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import cast

from dinamed.formats.lua_calls import Argument, Call
from dinamed.formats.migrated import Table

_SELECTORS: Mapping[str, list[object]] = {
    "random": ["weighted"],
    "hashed": ["hash"],
    "pickclosest": ["nearest", "weighted"],
    "all": ["all"],
    "empty": ["weighted"],
}
_PLACES = (
    "members are where the databases of [geo] find their addresses, if there are any; "
    "else give each its location"
)


INTERVAL, TIMEOUT = 5.0, 2.0
"""Of health checks, in seconds, where a record says nothing."""


class NoEquivalentError(Exception):
    """Nothing here does the same; the message says why."""


def pool_of(call: Call, notes: list[str]) -> Table:
    """The pool of a call, but for its TTL; what is different goes to `notes`.

    Raises `NoEquivalentError`.
    """
    make = _FUNCTIONS.get(call.function)
    if make is None:
        why = _REASONS.get(call.function, "there is nothing like it")
        raise NoEquivalentError(f"{call.function}: {why}")
    try:
        return make(call, notes)
    except (IndexError, TypeError, ValueError) as error:
        raise NoEquivalentError(f"{call.function}: {error}") from None


def _addresses(argument: Argument) -> list[str]:
    items = argument if isinstance(argument, list) else [argument]
    found = []
    for item in items:
        if not isinstance(item, str):
            raise NoEquivalentError("a list of addresses is expected")
        try:
            found.append(str(ip_address(item)))
        except ValueError:
            raise NoEquivalentError(
                f"{item} is a name: members have addresses"
            ) from None
    return found


def _members(addresses: list[str]) -> list[Table]:
    return [{"name": one, "addresses": [one]} for one in dict.fromkeys(addresses)]


def _weighted(argument: Argument) -> list[Table]:
    weights: dict[str, float] = {}
    for pair in cast(list[list[Argument]], argument):
        (address,) = _addresses(pair[1])
        weights[address] = weights.get(address, 0) + float(cast(float, pair[0]))
    return [
        {"name": one, "addresses": [one], "weight": weight}
        for one, weight in weights.items()
    ]


def _pick(call: Call, notes: list[str]) -> Table:
    stages: Mapping[str, list[object]] = {
        "pickrandom": ["weighted"],
        "pickhashed": ["hash"],
        "pickclosest": ["nearest", "weighted"],
        "all": ["all"],
    }
    if call.function == "pickclosest":
        notes.append(_PLACES)
    members = _members(_addresses(call.arguments[0]))
    return {"select": stages[call.function], "members": members}


def _pick_weighted(call: Call, notes: list[str]) -> Table:
    stage: object = "weighted" if call.function == "pickwrandom" else "hash"
    if call.function == "picknamehashed":
        stage = {"hash": "name"}
    return {"select": [stage], "members": _weighted(call.arguments[0])}


def _sample(call: Call, notes: list[str]) -> Table:
    count = int(cast(float, call.arguments[0]))
    members = _members(_addresses(call.arguments[1]))
    return {"answers": count, "select": ["weighted"], "members": members}


def _port_up(call: Call, notes: list[str]) -> Table:
    options = _options(call, 2)
    check: Table = {"type": "tcp", "port": int(cast(float, call.arguments[0]))}
    members = _sets(call.arguments[1])
    return _checked(members, check, options, notes)


def _url_up(call: Call, notes: list[str]) -> Table:
    options = _options(call, 2)
    url = str(call.arguments[0])
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    _, colon, port = host.partition(":")
    check: Table = {
        "type": scheme,
        "url": f"{scheme}://{{address}}{colon}{port}/{path}",
        "host": host,
    }
    if "stringmatch" in options:
        check["body"] = _literal(str(options["stringmatch"]))
    if "httpcode" in options:
        check["codes"] = [int(cast(float, options["httpcode"]))]
    if "useragent" in options:
        check["headers"] = {"User-Agent": str(options["useragent"])}
    if "byteslimit" in options:
        check["body_limit"] = int(cast(float, options["byteslimit"]))
    if not slash:
        notes.append(f"the path of {url} is /")
    return _checked(_sets(call.arguments[1]), check, options, notes)


def _literal(text: str) -> str:
    """A pattern that finds this text alone."""
    return "".join(f"\\{one}" if one in r".^$*+?{}[]\|()" else one for one in text)


def _options(call: Call, place: int) -> dict[str, Argument]:
    if len(call.arguments) <= place:
        return {}
    options = call.arguments[place]
    return options if isinstance(options, dict) else {}


def _sets(argument: Argument) -> list[Table]:
    """Members of one set of addresses, or of several, the first ones first."""
    if isinstance(argument, list) and argument and isinstance(argument[0], list):
        return [
            {**member, "priority": rank}
            for rank, addresses in enumerate(argument, 1)
            for member in _members(_addresses(addresses))
        ]
    return _members(_addresses(argument))


def _checked(
    members: list[Table], check: Table, options: dict[str, Argument], notes: list[str]
) -> Table:
    selector = str(options.get("selector", "random"))
    backup = str(options.get("backupSelector", "random"))
    select = list(_SELECTORS.get(selector, ["weighted"]))
    if any("priority" in member for member in members):
        select = ["priority", *select]
    if selector == "pickclosest":
        notes.append(_PLACES)
    interval = float(cast(float, options.get("interval", INTERVAL)))
    timeout = float(cast(float, options.get("timeout", TIMEOUT)))
    check["interval"] = interval
    check["timeout"] = timeout if timeout < interval else interval * 0.9
    if timeout >= interval:
        notes.append("the timeout is shorter: a check ends before the next one begins")
    check["fall"] = int(cast(float, options.get("minimumFailures", 1.0)))
    check["rise"] = 1
    if "source" in options:
        check["source"] = str(options["source"])
    table: Table = {"select": select, "check": check, "members": members}
    if backup == "empty":
        table["when_down"] = "none"
    elif backup != selector:
        notes.append(f"backupSelector {backup}: the stages of select hold then too")
    for key in options:
        if key in ("failOnIncompleteCheck", "httpHeaders"):
            notes.append(f"option {key} has no equivalent")
    return table


_FUNCTIONS: Mapping[str, Callable[[Call, list[str]], Table]] = {
    "all": _pick,
    "pickrandom": _pick,
    "pickhashed": _pick,
    "pickclosest": _pick,
    "pickwrandom": _pick_weighted,
    "pickwhashed": _pick_weighted,
    "pickchashed": _pick_weighted,
    "picknamehashed": _pick_weighted,
    "pickrandomsample": _sample,
    "ifportup": _port_up,
    "ifurlup": _url_up,
}
_REASONS: Mapping[str, str] = {
    "ifurlextup": "a check here connects to the member's address; see type = exec",
    "pickselfweighted": "what a URL tells is load here: see [pools.NAME.load]",
    "view": "see [geo.networks] and the stage network",
    "country": "see the stage country",
    "continent": "see the stage country",
    "asnum": "see the stage network",
    "netmask": "see [geo.networks] and the stage network",
    "latlon": "see _country.ZONE",
    "createReverse": "see $GENERATE",
    "createForward": "see $GENERATE",
}

"""The description of the HTTP API (OpenAPI 3.1), made from the types that it uses."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from dinamed import __version__
from dinamed.fleet.status import FleetStatus
from dinamed.journal.events import Happening
from dinamed.server.signing_status import SigningStatus
from dinamed.web.dnssec import SigningOrder
from dinamed.web.messages import (
    ErrorMessage,
    ExplainReply,
    LoadReport,
    MemberStatus,
    OrderReply,
    OrderRequest,
    PoolStatus,
    PoolSummary,
    PushReply,
    ReloadReply,
    ReplaceReply,
    RoundTrip,
    Status,
    WeightRequest,
)

_REFERENCE = "#/components/schemas/{name}"
_TEXT = {"type": "string"}


class Operation(NamedTuple):
    """One method of one address."""

    method: str
    path: str
    about: str
    reply: Any
    """The type of the body of a success; a string is a media type."""
    errors: Sequence[int] = ()
    arguments: Sequence[tuple[str, str, bool]] = ()
    """Of the query string: name, what it is, whether it is needed."""
    takes: Any = None
    """The type of the request's body."""
    success: int = 200
    """Status of the reply."""

    @property
    def changes(self) -> bool:
        """Whether it needs the right to change things."""
        return self.method != "get"


_CHANGE = (400, 401, 403, 413, 415, 503)

OPERATIONS = (
    Operation("get", "/healthz", "Whether each way answers.", "text/plain", [503]),
    Operation("get", "/readyz", "Whether it has begun to.", "text/plain", [503]),
    Operation("get", "/metrics", "All metrics, for Prometheus.", "text/plain"),
    Operation("get", "/api/v1/status", "What runs here, and how it is.", Status),
    Operation("get", "/api/v1/pools", "All pools.", tuple[PoolSummary, ...]),
    Operation(
        "get",
        "/api/v1/pools/{pool}",
        "One pool with its members, best first.",
        PoolStatus,
        (404,),
    ),
    Operation(
        "put",
        "/api/v1/pools/{pool}/members/{member}",
        "Order the state of a member.",
        OrderReply,
        (*_CHANGE, 404, 409),
        takes=OrderRequest,
    ),
    Operation("get", "/api/v1/fleet", "How it goes with the fleet.", FleetStatus),
    Operation(
        "patch",
        "/api/v1/pools/{pool}/members/{member}",
        "Order another weight of a member.",
        MemberStatus,
        (*_CHANGE, 404),
        takes=WeightRequest,
    ),
    Operation(
        "delete",
        "/api/v1/pools/{pool}/members/{member}",
        "Take a member out of the list that is set here.",
        "text/plain",
        (*_CHANGE, 404, 409, 412),
        success=204,
    ),
    Operation(
        "get",
        "/api/v1/pools/{pool}/members",
        "The members of a pool as tables of the config; ETag stands for the list.",
        list[dict[str, Any]],
        (404,),
    ),
    Operation(
        "put",
        "/api/v1/pools/{pool}/members",
        "Set the members of a pool; with If-Match only if the list is that.",
        list[dict[str, Any]],
        (*_CHANGE, 404, 409, 412),
        takes=list[dict[str, Any]],
    ),
    Operation(
        "post",
        "/api/v1/pools/{pool}/members",
        "Add a member to the list that is set here, or several.",
        list[dict[str, Any]],
        (*_CHANGE, 404, 409, 412),
        takes=dict[str, Any] | list[dict[str, Any]],
        success=201,
    ),
    Operation(
        "post",
        "/api/v1/pools/{pool}/discover",
        "Ask the source of a pool's members now, and believe what it says.",
        dict[str, str],
        (*_CHANGE, 404, 409),
    ),
    Operation(
        "post",
        "/api/v1/load",
        "Report the load of members.",
        PushReply,
        _CHANGE,
        takes=LoadReport | list[LoadReport],
    ),
    Operation(
        "post",
        "/api/v1/rtt",
        "Tell round trips between clients and members.",
        PushReply,
        _CHANGE,
        takes=RoundTrip | list[RoundTrip],
    ),
    Operation(
        "get",
        "/api/v1/explain",
        "Why a client gets the answer that it gets, or got at a time.",
        ExplainReply,
        (400, 404, 503),
        (
            ("name", "the name to ask for", True),
            ("type", "the record type; default A", False),
            ("client", "address or network; default: the one who asks", False),
            ("at", "Unix time of the past, of which the journal tells", False),
        ),
    ),
    Operation(
        "post",
        "/api/v1/reload",
        "Read config and zones again.",
        ReloadReply,
        (401, 403, 413, 422, 503),
    ),
    Operation(
        "post",
        "/api/v1/replace",
        "Have a new process, of what is installed now, take over.",
        ReplaceReply,
        (401, 403, 413, 422, 503),
    ),
    Operation(
        "get", "/api/v1/dnssec", "How zones are signed.", tuple[SigningStatus, ...]
    ),
    Operation(
        "get",
        "/api/v1/dnssec/{zone}",
        "How one zone is signed.",
        SigningStatus,
        (400, 404),
    ),
    Operation(
        "post",
        "/api/v1/dnssec/{zone}",
        "Give an order about the keys of a zone.",
        SigningStatus,
        (*_CHANGE, 404, 422),
        takes=SigningOrder,
    ),
    Operation(
        "get",
        "/api/v1/events",
        "What has happened; as a stream with Accept: text/event-stream.",
        tuple[Happening, ...],
        (400, 503),
        (
            ("since", "the number after which; default 0: all", False),
            ("after", "Unix time from which on; the first 1000 are told", False),
            ("before", "Unix time before which", False),
        ),
    ),
    Operation(
        "get",
        "/api/v1/live",
        "The figures of the dashboard, as they change.",
        "text/event-stream",
        (503,),
    ),
    Operation("get", "/api/v1/openapi.json", "This description.", dict[str, Any]),
)

_MEANINGS = {
    400: "asked wrongly",
    401: "needs a token",
    403: "not allowed to",
    404: "is not there",
    409: "another order was given meanwhile; or it is not set here, or there already",
    412: "the list is another by now",
    413: "too large",
    415: "not JSON",
    422: "refused for what is wrong in the files; nothing has changed",
    429: "asked too often",
    503: "not possible now",
}


def description() -> dict[str, Any]:
    """The whole description."""
    types = [one.reply for one in OPERATIONS if not isinstance(one.reply, str)]
    types += [one.takes for one in OPERATIONS if one.takes is not None]
    schemas, components = msgspec.json.schema_components(
        [*types, ErrorMessage], ref_template=_REFERENCE
    )
    known = {repr(kind): schema for kind, schema in zip(types, schemas, strict=False)}
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method] = _operation(one, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dinamed",
            "version": __version__,
            "description": "A load-balancing authoritative DNS server.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Not needed on the host itself without token file.",
                }
            },
        },
    }


def _operation(one: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    if isinstance(one.reply, str):
        content = {one.reply: {"schema": _TEXT}}
    else:
        content = {"application/json": {"schema": schemas[repr(one.reply)]}}
    told: dict[str, Any] = {
        "summary": one.about,
        "operationId": _identifier(one),
        "responses": {
            str(one.success): (
                {"description": "success"}
                if one.success == 204
                else {"description": "success", "content": content}
            ),
            **{str(status): _error(status) for status in sorted({*one.errors, 429})},
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT}
        for name in ("pool", "member", "zone")
        if f"{{{name}}}" in one.path
    ] + [
        {
            "name": name,
            "in": "query",
            "required": needed,
            "description": about,
            "schema": _TEXT,
        }
        for name, about, needed in one.arguments
    ]
    if parameters:
        told["parameters"] = parameters
    if one.takes is not None:
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[repr(one.takes)]}},
        }
    if one.changes:
        told["security"] = [{"token": []}, {}]
    return told


def _identifier(one: Operation) -> str:
    parts = [part for part in one.path.split("/") if part not in ("", "api", "v1")]
    words = [part.strip("{}").replace(".", "_") for part in parts]
    return "_".join((one.method, *words))


def _error(status: int) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(name=ErrorMessage.__name__)}
    return {
        "description": _MEANINGS[status],
        "content": {"application/json": {"schema": schema}},
    }

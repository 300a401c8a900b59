"""Installs plans that Python has made in the plane."""

import struct
from collections.abc import Mapping
from hashlib import blake2b

from dinamed.geo.place import Place
from dinamed.plane.extension import native
from dinamed.plane.service_template import service_template
from dinamed.plans.plan import Fixed, Plan, PoolAnswer, ServiceAnswer
from dinamed.wire.constants import CLASS_CH, MAX_UDP_EDNS, Rcode
from dinamed.wire.query import Query
from dinamed.wire.render import Rendered

NATIVE_RCODES = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.REFUSED})
"""The response codes that the plane has counters for."""
PLAN_BODY_MAX = 4096
"""Octets of records in a plan that the plane is taught."""


def _steps(records: Rendered) -> bytes:
    """Where each RRset ends, for the plane."""
    return b"".join(
        struct.pack("!4H?", step.end, *step.counts, step.required)
        for step in records.steps
    )


def forwarding_plan(
    query: Query,
    plan: Plan,
    route_index: Mapping[str, int],
    limited: bytes = b"",
    *,
    follows: bool = False,
    guarded: bool = False,
    until: float = 0.0,
) -> "native.Plan":
    """The plan of a query's question (class IN or CH), with its DO, for the plane.

    One that `follows` from another stands for no question itself.  `limited` is the
    kind of the reply, where replies are limited; `guarded` and `until` are for fixed
    ones.
    What the plane has no way for is left to Python.
    """
    question = query.question
    asked = b"" if follows else question.key, question.type, query.dnssec_ok
    chaos = question.class_ == CLASS_CH
    if (
        isinstance(plan, Fixed)
        and plan.rcode in NATIVE_RCODES
        and len(plan.records.body) <= PLAN_BODY_MAX
    ):
        return native.Plan(
            *asked,
            native.PLAN_FIXED,
            rcode=plan.rcode,
            authoritative=plan.authoritative,
            error=-1 if plan.extended_error is None else plan.extended_error,
            counts=plan.records.counts,
            body=plan.records.body,
            limited=limited,
            steps=_steps(plan.records),
            guarded=guarded,
            until=until,
            chaos=chaos,
        )
    if (
        isinstance(plan, PoolAnswer)
        and plan.pool in route_index
        and (plan.signing is not None or not plan.after.body)
        and len(plan.before.body) + len(plan.empty.records.body) <= MAX_UDP_EDNS
    ):
        return native.Plan(
            *asked,
            native.PLAN_POOL,
            rcode=plan.empty.rcode,
            authoritative=plan.empty.authoritative,
            counts=plan.empty.records.counts,
            body=plan.empty.records.body,
            route=route_index[plan.pool],
            subnet=plan.subnet,
            before_counts=plan.before.counts,
            before=plan.before.body,
            owner=plan.owner,
            limited=limited,
            steps=_steps(plan.empty.records),
            before_steps=_steps(plan.before),
            region=0 if plan.place is None else region_of(plan.place),
            signer=b"" if plan.signing is None else plan.signing.owner,
            after=b"" if plan.signing is None else plan.after.body,
            after_counts=plan.after.counts,
        )
    if isinstance(plan, ServiceAnswer):
        made = _service_plan(asked, plan, route_index, limited)
        if made is not None:
            return made
    return native.Plan(
        *asked, native.PLAN_PUNT, guarded=guarded, until=until, chaos=chaos
    )


def _service_plan(
    asked: tuple[bytes, int, bool],
    plan: ServiceAnswer,
    route_index: Mapping[str, int],
    limited: bytes,
) -> "native.Plan | None":
    """The plan of records with hints; None for one that is left to Python."""
    template = service_template(plan)
    if (
        plan.pool not in route_index
        or (plan.signing is None and plan.after.body)
        or len(template) + len(plan.before.body) > PLAN_BODY_MAX
    ):
        return None
    return native.Plan(
        *asked,
        native.PLAN_SERVICE,
        body=template,
        route=route_index[plan.pool],
        subnet=plan.subnet,
        before_counts=plan.before.counts,
        before=plan.before.body,
        owner=plan.owner,
        limited=limited,
        before_steps=_steps(plan.before),
        signer=b"" if plan.signing is None else plan.signing.owner,
        after=plan.after.body,
        after_counts=plan.after.counts,
        ttl=plan.rrset.ttl,
    )


def region_of(place: Place) -> int:
    """The number by which the plane knows a place that a name has told; never 0."""
    digest = blake2b(repr(place).encode(), digest_size=8).digest()
    return int.from_bytes(digest) | 1

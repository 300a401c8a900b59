"""HTTPS and SVCB records with room for hints, in the form that the plane fills in."""

import struct

from dinamed.plans.plan import ServiceAnswer
from dinamed.wire.svcb import IPV4_HINT, IPV6_HINT, round_hints, serves_itself

_MIXES = ((), (IPV4_HINT,), (IPV6_HINT,), (IPV4_HINT, IPV6_HINT))
"""The hints that there may be, in the order of the plane."""


def service_template(plan: ServiceAnswer) -> bytes:
    """The records of a plan, once for each mix of hints; see `services_for` in C.

    Each form stands behind its length; it has the number of records, and of each
    whether it takes hints, and its three pieces behind their lengths.
    """
    forms = []
    for given in _MIXES:
        records = [struct.pack("!H", len(plan.rrset.rdatas))]
        for rdata in plan.rrset.rdatas:
            hinted = serves_itself(rdata, plan.name)
            pieces = round_hints(rdata, given) if hinted else (rdata, b"", b"")
            records.append(bytes((hinted,)))
            records += [struct.pack("!H", len(one)) + one for one in pieces]
        form = b"".join(records)
        forms.append(struct.pack("!H", len(form)) + form)
    return b"".join(forms)

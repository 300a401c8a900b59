"""Whether a list of members is believed: pure."""

from dinamed.config.discovery import ApiDiscovery, Discovery
from dinamed.discovery.targets import Members


def objection(rules: Discovery, before: Members, after: Members) -> str:
    """Why a list is not taken in place of the one before; "" if it is."""
    if not after and rules.keep and before and not isinstance(rules, ApiDiscovery):
        return "the list is empty"
    if len(after) < rules.min_members and (after or rules.keep):
        return f"{len(after)} members are fewer than min_members = {rules.min_members}"
    if len(after) > rules.max_members:
        return f"{len(after)} members are more than max_members = {rules.max_members}"
    if isinstance(rules, ApiDiscovery) or not before or not after:
        return ""
    there = {member.name for member in after}
    lost = sum(member.name not in there for member in before)
    if lost > rules.max_loss * len(before):
        return (
            f"{lost} of {len(before)} members are missing at once, more than "
            f"max_loss = {rules.max_loss:g}"
        )
    return ""

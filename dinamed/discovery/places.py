"""In which order members stand: whoever stays keeps the place it has."""

from dinamed.discovery.targets import Members


def in_place(before: Members, now: Members) -> Members:
    """The members of `now`, so that those who were in `before` are where they were.

    What was made of a member for its place need not be made again then.  Who is new
    takes a place that is free, then the last ones fill what is left free.  One that is
    the same as before, in all that is told of it, is the same object.
    """
    old = {member.name: member for member in before}
    staying, new = {}, []
    for member in now:
        known = old.get(member.name)
        if known == member:
            staying[member.name] = known
        else:
            new.append(member)
    new.reverse()
    placed = []
    free = []
    for place, member in enumerate(before):
        if staying.get(member.name) is member:
            placed.append(member)
        elif new:
            placed.append(new.pop())
        else:
            free.append(place)
            placed.append(member)
    placed += reversed(new)
    for place in reversed(free):
        last = placed.pop()
        if place < len(placed):
            placed[place] = last
    return tuple(placed)

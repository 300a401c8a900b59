"""From a question to a plan, and from a plan to a reply.

Which plan a name and type have depends on the snapshot alone; only executing a draw
depends on the client, on the state of the members, and on chance.
"""

"""Many name servers that answer as one: what they tell each other, and over what.

The rules are pure: `records` (what is said), `peers` (who is there), `totals` and
`packing` (hand-outs), `voting`, `division` (who asks whom) and `orders`.  `store` says
what is asked of whatever keeps the values, `etcd` and its neighbours are that for
etcd v3.  `service` has the roles publish and hear.
"""

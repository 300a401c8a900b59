"""Pools: their members, the state of these, and the rules that choose among them.

Pure: nothing here imports Twisted; time and randomness come in as arguments.
"""

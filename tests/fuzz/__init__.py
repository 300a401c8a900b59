"""Fuzzers that are guided by what they reach; not a part of the suite."""

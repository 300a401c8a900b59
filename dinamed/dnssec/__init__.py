"""DNSSEC: what signed zones add to answers.  Pure."""

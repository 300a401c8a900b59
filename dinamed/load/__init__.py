"""Load feeds: Twisted services that ask members for their load, and tell the pools."""

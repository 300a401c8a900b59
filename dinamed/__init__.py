"""dinamed: a load-balancing authoritative DNS server for twistd."""

__version__ = "0.2.0"

"""dinamed: a load-balancing authoritative DNS server for twistd."""

__version__ = "0.1.0"

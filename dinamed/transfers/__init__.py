"""Zones on their way between servers: TSIG, AXFR, IXFR, NOTIFY and UPDATE."""

"""The twistd dropin: it names the plugin and imports nothing of dinamed itself."""

from twisted.application.service import ServiceMaker

dinamed = ServiceMaker(
    "dinamed", "dinamed.tap", "Load-balancing authoritative DNS server.", "dinamed"
)

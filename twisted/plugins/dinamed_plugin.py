"""The twistd dropin: it names the plugin and imports next to nothing of dinamed."""

import sys

from twisted.application.service import ServiceMaker

if "dinamed" in sys.argv:  # else another of twistd's plugins is to run
    from dinamed.early_signals import expect_signals

    expect_signals()

dinamed = ServiceMaker(
    "dinamed", "dinamed.tap", "Load-balancing authoritative DNS server.", "dinamed"
)

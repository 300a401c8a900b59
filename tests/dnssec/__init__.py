"""Tests for `dinamed.dnssec`."""

"""Tests for `dinamed.takeover`."""

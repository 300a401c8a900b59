"""Tests for `dinamed.handover`."""

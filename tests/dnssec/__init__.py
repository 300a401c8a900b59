"""Tests of what signed zones add to answers."""

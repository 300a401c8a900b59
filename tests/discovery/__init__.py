"""Tests of where members come from."""

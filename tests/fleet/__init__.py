"""Tests of `dinamed.fleet`."""

"""Tests of the room that finds the place of a client."""

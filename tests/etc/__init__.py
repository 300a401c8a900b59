"""Tests of the files under etc/ that are programs."""

"""Tests of the compiled data plane."""

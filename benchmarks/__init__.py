"""Measurements of the running daemon; each module is a program of its own."""

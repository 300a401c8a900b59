"""Signing zones: keys, signatures on a grid of time, the chain of names, and rolls.

Pure: time and randomness are arguments, and nothing here knows files but by their text.
"""

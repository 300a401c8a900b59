"""The stages of a chain: how candidates are narrowed, and how one is picked."""

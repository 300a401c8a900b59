"""Replacing the process: a new one takes over the sockets and all that is known."""

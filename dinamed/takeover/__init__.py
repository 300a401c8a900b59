"""Takeover: a new process gets the sockets and the state of the running one."""

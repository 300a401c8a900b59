"""From the address of a client to the place it is in."""

"""Response rate limiting: how many replies of one kind a network may get."""

"""What it costs a client to be sent to a member: round trips, measured or estimated."""

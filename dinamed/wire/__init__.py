"""DNS messages as bytes: reading questions, rendering replies.  Pure."""

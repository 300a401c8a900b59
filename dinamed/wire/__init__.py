"""DNS messages as bytes: reading questions, rendering replies.  No Twisted, no state."""

"""The query log: answers as lines of JSON and as dnstap, written by a thread."""

"""The Twisted side of answering: sockets, listeners, the resolver, the services."""

"""The real daemon on loopback, asked by real tools and compared with other servers."""

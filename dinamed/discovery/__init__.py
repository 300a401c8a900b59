"""Where members come from that the config does not name."""

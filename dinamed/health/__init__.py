"""Checks: probes of members, what they mean, and the service that runs them."""

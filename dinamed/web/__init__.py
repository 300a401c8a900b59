"""The HTTP side: API, metrics, dashboard."""

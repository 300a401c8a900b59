"""The simulator: the real selection code against a model of clients and caches.

Pure: time is that of the model, and all chance comes from one seed.
"""

"""The tests; whoever runs them may have little time for each."""

from contextlib import suppress

# Benchmarks use a few parts of this package, and do without it.
with suppress(ImportError):
    from hypothesis import settings

    # A slow example is the fault of a busy machine: no test here is about time.
    settings.register_profile("patient", deadline=None)
    settings.load_profile("patient")

"""The extension, or None where it is missing or was built from other sources."""

EDITION = 3
"""Goes up with each change of what the extension is told, here and in `native.pyx`."""

try:
    from dinamed.plane import native as native
except ImportError:  # no compiler at the install: Python answers everything
    native = None  # type: ignore[assignment]
else:
    if getattr(native, "EDITION", 0) != EDITION:
        native = None  # type: ignore[assignment]

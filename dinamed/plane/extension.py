"""The extension, or None where it is missing or was built from other sources."""

EDITION = 15
"""Goes up with each change of what the extension is told, here and in `native.pyx`."""

MISSING = "the compiled plane is missing: it needs a C compiler at the install"
STALE = "the compiled plane was built from other sources: install dinamed anew"

why_not = ""
"""Why there is none; empty if there is one."""
try:
    from dinamed.plane import native as native
except ImportError:  # no compiler at the install: Python answers everything
    native, why_not = None, MISSING  # type: ignore[assignment]
else:
    if getattr(native, "EDITION", 0) != EDITION:
        native, why_not = None, STALE  # type: ignore[assignment]

"""Regular expressions whose time grows with the text alone, whatever the text is.

Python's own engine tries one way after another: a few octets of a member's answer can
keep it, and with it the whole process, busy for years.  RE2 goes through the text once.
It knows neither look-around nor references to groups, which need the other kind.
"""

import re2

MOST_STEPS = 5000
"""Steps of the largest pattern.  An octet of text may have to pass all of them."""
MOST_MEMORY = 2 << 20
"""Octets that one pattern may remember of what it has seen."""


class Pattern:
    """A regular expression for octets; its text stands for its UTF-8 form.

    `$` is the end of the text or the place before a line end there, as in Python.
    Raises `ValueError` for what is none, and for one that is too large.
    """

    def __init__(self, text: str) -> None:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = MOST_MEMORY
        options.log_errors = False
        try:
            self._pattern = re2.compile(_in_re2(text).encode(), options)
        except re2.error as error:
            raise ValueError(_words(error)) from None
        self.steps: int = self._pattern.programsize
        if self.steps > MOST_STEPS:
            raise ValueError(
                f"too large: repetitions make {self.steps} steps of it, more than "
                f"{MOST_STEPS}"
            )

    def found_in(self, text: bytes) -> bool:
        """Whether it matches somewhere; other threads run meanwhile."""
        if self._pattern.search(text) is not None:
            return True
        line_end = text.endswith(b"\n")
        return line_end and self._pattern.search(text[:-1]) is not None


def _in_re2(text: str) -> str:
    r"""With `\z` for the end of all, which Python writes `\Z`."""
    parts = text.split("\\\\")
    return "\\\\".join(part.replace("\\Z", "\\z") for part in parts)


def _words(error: re2.error) -> str:
    said = error.args[0] if error.args else ""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if "invalid perl operator" in words:
        return f"{words} (look-around and the like are not supported)"
    if "invalid escape sequence" in words:
        return f"{words} (references to groups are not supported)"
    return words

"""Problems in files that the operator wrote."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: its file and line, its key, and a message.

    `line` counts from 1; None where no single line is to blame.  `key` names the
    setting or the record (`www.example.org. A`).  A warning keeps nothing from being
    served, but is most likely not what was meant.
    """

    file: str
    line: int | None
    key: str
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        word = "warning: " if self.severity == "warning" else ""
        return f"{place}: {word}{self.key}: {self.message}"

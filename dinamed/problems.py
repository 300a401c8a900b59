"""What is wrong with a file that the operator wrote."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, where it stands, and what it is about.

    `line` counts from 1; None where no single line is to blame.  `key` names the
    setting or the record (`www.example.org. A`).
    """

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.message}"

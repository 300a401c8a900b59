"""Words for people."""


def counted(number: int, what: str) -> str:
    """`1 zone`, `2 zones`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

"""Checks that the arguments of stages have in common."""


def no_argument(stage: str, argument: object) -> None:
    """Refuse an argument.

    @raise ValueError: there is one.
    """
    if argument is not None:
        raise ValueError(f"{stage} takes no argument")

"""The config file that is used when none is named."""

import os

SYSTEM = "/etc/dinamed/dinamed.toml"
EXAMPLE = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
    "example",
    "dinamed.toml",
)


def default_path(system: str = SYSTEM, example: str = EXAMPLE) -> str:
    """The system's config file if there is one, else the built-in example's."""
    return system if os.path.exists(system) else example


def is_example(path: str) -> bool:
    """Whether a config file is that of the built-in example."""
    return os.path.abspath(path) == EXAMPLE

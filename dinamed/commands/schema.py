"""`dinamed schema`: the JSON schema of the config, for editors."""

import argparse
import json

from dinamed.config.schema import config_schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes nothing."""


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    print(json.dumps(config_schema(), indent=2))
    return 0

"""The sub-commands of `dinamed`: each module has `add_arguments` and `run`."""

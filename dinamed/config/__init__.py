"""The config file: from TOML text to typed settings, with every problem's line."""

"""How Sphinx builds the manual: ``make docs``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dinamed import __version__

project = "dinamed"
author = "the dinamed project"
copyright = author
version = release = __version__

extensions = ["commands_directive"]
exclude_patterns = ["_build"]
# Most code blocks show a terminal; guesses at their language would be wrong.
highlight_language = "none"
nitpicky = True

html_theme = "alabaster"
html_theme_options = {
    "description": "Load-balancing authoritative DNS server",
    "fixed_sidebar": True,
    "page_width": "1060px",
}
html_copy_source = False
html_show_copyright = False

man_pages = [
    (
        "man/dinamed",
        "dinamed",
        "look after a load-balancing name server and its config",
        author,
        1,
    )
]

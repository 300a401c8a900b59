"""The compiled parts, extensions that may be missing; all else is in setup.cfg.

Without a compiler the build goes on without them, and Python does everything.  A wheel
that holds none of them says so in its name (`py3-none-any`), so that an index cannot
take it for one that does.

DINAMED_WERROR=1 makes every warning of the C compiler an error, as CI does.
"""

import os
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

ROOMS = ("plane", "zones")
# Python's own headers cast function pointers and leave fields out, and Cython leaves
# parameters and docstrings of generated functions unused: nothing that these sources
# could mend.
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-parameter",
    "-Wno-missing-field-initializers",
    "-Wno-cast-function-type",
    "-Wno-unused-const-variable",
]


class ParallelBuild(build_ext):
    """Compiles the extensions side by side, as many as there are processors."""

    def finalize_options(self) -> None:
        """Take the number of processors where no number was asked for."""
        super().finalize_options()
        if not self.parallel:
            self.parallel = min(len(ROOMS), os.cpu_count() or 1)


class HonestWheel(bdist_wheel):
    """Names the wheel by what was built, not by what was tried."""

    def get_tag(self) -> tuple[str, str, str]:
        """The tag of a pure wheel where no extension was compiled."""
        built = self.get_finalized_command("build").build_lib
        if any(Path(built).rglob("*.so")):
            return super().get_tag()
        self.root_is_pure = True
        return "py3", "none", "any"


strict = os.environ.get("DINAMED_WERROR") == "1"

setup(
    cmdclass={"build_ext": ParallelBuild, "bdist_wheel": HonestWheel},
    ext_modules=[
        Extension(
            f"dinamed.{room}.native",
            [f"dinamed/{room}/native.pyx"],
            extra_compile_args=["-O3", *(WARNINGS if strict else [])],
            define_macros=[("Py_LIMITED_API", "0x030b0000")],
            optional=not strict,
            py_limited_api=True,
        )
        for room in ROOMS
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)

"""The compiled parts, extensions that may be missing; all else is in setup.cfg.

Without a compiler the build goes on without them, and Python does everything.
"""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            f"dinamed.{room}.native",
            [f"dinamed/{room}/native.pyx"],
            extra_compile_args=["-O3"],
            define_macros=[("Py_LIMITED_API", "0x030b0000")],
            optional=True,
            py_limited_api=True,
        )
        for room in ("plane", "zones")
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)

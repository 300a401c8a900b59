"""The compiled data plane, an extension that may be missing; all else is in setup.cfg.

Without a compiler the build goes on without it, and Python answers everything.
"""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "dinamed.plane.native",
            ["dinamed/plane/native.pyx"],
            extra_compile_args=["-O3"],
            define_macros=[("Py_LIMITED_API", "0x030b0000")],
            optional=True,
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)

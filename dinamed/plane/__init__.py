"""The compiled data plane: UDP answered by threads that need no interpreter.

`native` is the extension, which may be missing; `compiling` makes its tables from a
snapshot, `service` runs it beside the Twisted engine, which answers all that the
plane leaves to it.
"""

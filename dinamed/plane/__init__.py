"""The compiled data plane: UDP answered by threads that need no interpreter.

`native` is the extension, which may be missing; `table_compiler` makes its tables from
a snapshot; `service` runs it beside the Python engine, which answers all that the plane
punts to it.
"""

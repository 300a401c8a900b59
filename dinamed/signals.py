"""Signals: who wants to know of a change subscribes to it."""

import traceback
from collections.abc import Callable
from typing import Generic, ParamSpec

Arguments = ParamSpec("Arguments")


def print_failure(error: Exception) -> None:
    """Print what a listener has raised on standard error."""
    traceback.print_exception(error)


class Signal(Generic[Arguments]):
    """Tells any number of listeners, in the order in which they have subscribed.

    What a listener raises goes to `failed`; the others are told all the same.
    """

    def __init__(self, failed: Callable[[Exception], object] = print_failure) -> None:
        self._failed = failed
        self._listeners: dict[object, Callable[Arguments, object]] = {}

    def subscribe(self, listener: Callable[Arguments, object]) -> Callable[[], None]:
        """Call `listener` at every later `emit`.

        Returns what ends that.  Whoever subscribes twice is called twice.
        """
        key = object()
        self._listeners[key] = listener

        def unsubscribe() -> None:
            self._listeners.pop(key, None)

        return unsubscribe

    def emit(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        """Call all who are subscribed when this begins, and are so at their turn."""
        for key, listener in tuple(self._listeners.items()):
            if key in self._listeners:
                try:
                    listener(*args, **kwargs)
                except Exception as error:
                    self._failed(error)

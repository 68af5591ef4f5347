"""Ctrl-C that is not lost.

Python raises `KeyboardInterrupt` wherever the main thread happens to be. In a finaliser, or in a callback of compiled
code, the exception is dropped with a note at most, and a grid would go on for hours. So it is remembered as well, and
raised again at the next place that asks.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_interrupted = False


@contextmanager
def remembered() -> Iterator[None]:
    """Within the block Ctrl-C is remembered until it has ended the block, which it does at its end at the latest.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    global _interrupted

    def interrupt(number: int, frame: FrameType | None) -> None:
        global _interrupted
        _interrupted = True
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
        check()
    finally:
        _interrupted = False
        signal.signal(signal.SIGINT, before)


def check() -> None:
    """Raise what was dropped.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed, and the block that remembers it goes on all the same.
    """
    if _interrupted:
        raise KeyboardInterrupt

"""Handles Ctrl-C, and SIGTERM from Airflow or a service manager: ends the command and all processes that it started.

A `KeyboardInterrupt` may not reach the top of the call stack: DuckDB, py4j and C extensions replace it with errors of their own
or drop it. So this module records the signal itself, and `jobs.cli.main` checks that record.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Never

import psutil

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GO_ON = ("run", "engagement", "repair")  # commands that skip steps already done
AGAIN_AFTER_S = 0.1  # by then the finalizer has ended
GRACE_S = 5.0  # for the JVM to remove its temporary files

_children: list[psutil.Process] = []
_asked = False


@contextmanager
def handled() -> Iterator[None]:
    """Within the block, an interrupt ends the processes that this command started, and raises `KeyboardInterrupt`. `asked`
    then returns whether an interrupt came."""
    global _asked
    before = {number: signal.getsignal(number) for number in SIGNALS}
    hook = sys.unraisablehook
    _asked = False
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    sys.unraisablehook = _raise_again
    try:
        yield
    finally:
        sys.unraisablehook = hook
        logging.disable(logging.NOTSET)
        for number, handler in before.items():
            signal.signal(number, handler)


def asked() -> bool:
    """Whether this command was interrupted."""
    return _asked


def end_children() -> None:
    """Waits up to `GRACE_S` seconds for the processes that an interrupt ended, then kills those that remain. For the end of an
    interrupted command: from now on nothing interrupts it again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, alive = psutil.wait_procs([*_children, *_descendants()], timeout=GRACE_S)
    for process in alive:
        process.kill()


def message(arguments: list[str]) -> str:
    """The message of an interrupted command."""
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    return "interrupted" + ("; run the same command again to resume" if command in GO_ON else "")


def end_at_once(_: int, __: FrameType | None) -> Never:
    """Ends a command that has not begun its work: there is nothing to clean up."""
    os.write(sys.stderr.fileno(), f"clout: {message(sys.argv[1:])}\n".encode())
    os._exit(1)


def _interrupt(_: int, __: FrameType | None) -> None:
    global _asked
    for number in SIGNALS:  # a second SIGTERM or Ctrl-C must not keep `runs` from recording the failure
        signal.signal(number, signal.SIG_IGN)
    _asked = True
    if not logging.getLogger("jobs").isEnabledFor(logging.DEBUG):
        logging.disable()  # py4j logs the interruption as an error, on its own loggers and on the root
    # End the JVM first: py4j would otherwise wait for Spark's answer before it does anything else.
    _children[:] = _descendants()
    for child in _children:
        child.terminate()
    raise KeyboardInterrupt


def _descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _raise_again(unraisable: Any) -> None:
    """Raises an interrupt again if it was raised in a finalizer or a callback, where Python drops every exception."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        signal.signal(signal.SIGINT, _raise)
        threading.Timer(AGAIN_AFTER_S, _interrupt_again).start()
    elif not _asked:
        sys.__unraisablehook__(unraisable)


def _raise(_: int, __: FrameType | None) -> Never:
    raise KeyboardInterrupt


def _interrupt_again() -> None:
    """Unless the command ended meanwhile for another reason, such as the end of the JVM."""
    main = threading.main_thread().ident
    if main is not None and signal.getsignal(signal.SIGINT) is _raise:
        signal.pthread_kill(main, signal.SIGINT)

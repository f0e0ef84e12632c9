"""The entry point of the command `clout`. It imports little, so that streams and signals are set up before slow imports."""

import gc
import os
import signal
import sys

from jobs import interrupts
from jobs.cli import streams

PRIVATE = 0o077  # the umask that leaves group and others no access


class _Hidden:
    """Hides modules that pyarrow imports if it can, although it needs none of them to read and write tables: pandas until Spark
    is imported, which needs it, and the `others` for good. Each takes 0.2 s."""

    def __init__(self, *others: str) -> None:
        self._others = others

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Raises `ModuleNotFoundError` for a hidden module."""
        if fullname in self._others or (fullname == "pandas" and "pyspark" not in sys.modules):
            raise ModuleNotFoundError(fullname, name=fullname)


def main() -> None:
    """Sets up streams and signals, then runs the command line. Files that it writes are private to its user (0600, 0700)."""
    os.umask(PRIVATE)
    streams.prepare()
    for number in interrupts.SIGNALS:
        signal.signal(number, interrupts.end_at_once)
    if sys.argv[1:2] == ["show"]:
        sys.meta_path.insert(0, _Hidden("numpy"))
        gc.disable()  # looking for garbage would take a tenth of the command's second
    else:
        sys.meta_path.insert(0, _Hidden())
    from jobs import session
    from jobs.cli import main

    if not (main.is_verbose(sys.argv) or session.submitted()):
        streams.silence_libraries()
    main.main()

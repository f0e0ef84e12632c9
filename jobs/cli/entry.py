"""The entry point of the command `clout`. It imports little, so that streams and signals are set up before slow imports."""

import gc
import os
import signal
import sys

from jobs import interrupts
from jobs.cli import streams

PRIVATE = 0o077  # the umask that leaves group and others no access


class _Hidden:
    """Hides pandas and numpy. pyarrow imports them if it can, which takes 0.4 s, and needs neither to read tables."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Raises `ModuleNotFoundError` for pandas and numpy."""
        if fullname in ("pandas", "numpy"):
            raise ModuleNotFoundError(fullname, name=fullname)


def main() -> None:
    """Sets up streams and signals, then runs the command line. Files that it writes are private to its user (0600, 0700)."""
    os.umask(PRIVATE)
    streams.prepare()
    for number in interrupts.SIGNALS:
        signal.signal(number, interrupts.end_at_once)
    if sys.argv[1:2] == ["show"]:
        sys.meta_path.insert(0, _Hidden())
        gc.disable()  # looking for garbage would take a tenth of the command's second
    from jobs import session
    from jobs.cli import main

    if not (main.is_verbose(sys.argv) or session.submitted()):
        streams.silence_libraries()
    main.main()

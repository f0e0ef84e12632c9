"""The entry point of the command `clout`. It imports little, so that streams and signals are set up before slow imports."""

import signal
import sys

from jobs import interrupts
from jobs.cli import streams


class _NoPandas:
    """Makes pandas unfindable. pyarrow imports it with its first value if it can, which takes 0.3 s."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Raises `ModuleNotFoundError` for pandas."""
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


def main() -> None:
    """Sets up streams and signals, then runs the command line."""
    streams.prepare()
    for number in interrupts.SIGNALS:
        signal.signal(number, interrupts.end_at_once)
    if sys.argv[1:2] == ["show"]:
        sys.meta_path.insert(0, _NoPandas())
    from jobs import session
    from jobs.cli import main

    if not (main.is_verbose(sys.argv) or session.submitted()):
        streams.silence_libraries()
    main.main()

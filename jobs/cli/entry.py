"""The entry point of the command `clout`. It imports little, so that streams and signals are set up before slow imports."""

import signal
import sys

from jobs import interrupts
from jobs.cli import streams


def main() -> None:
    """Sets up streams and signals, then runs the command line."""
    streams.prepare()
    for number in interrupts.SIGNALS:
        signal.signal(number, interrupts.end_at_once)
    from jobs import session
    from jobs.cli import main

    if not (main.is_verbose(sys.argv) or session.submitted()):
        streams.silence_libraries()
    main.main()

"""The first module of the command `clout`: light, so that streams and signals are in order before anything else is imported."""

import signal
import sys

from jobs import interrupts
from jobs.cli import streams


def main() -> None:
    """Runs the command line in a process of its own."""
    streams.prepare()
    for number in interrupts.SIGNALS:
        signal.signal(number, interrupts.end_at_once)
    from jobs import session
    from jobs.cli import main

    if not (main.is_verbose(sys.argv) or session.submitted()):
        streams.silence_libraries()
    main.main()

"""The first module of the command `clout`: light, so that streams and signals are in order before anything else is imported."""

import signal

from jobs import interrupts, streams


def main() -> None:
    """Runs the command line in a process of its own."""
    for number in interrupts.SIGNALS:
        signal.signal(number, interrupts.end_at_once)
    streams.prepare()
    from jobs import cli

    cli.main()

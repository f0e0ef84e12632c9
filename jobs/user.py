"""Who runs this process, as the warehouse records it."""

import getpass
import os


def user() -> str:
    """The user's name, or the number if the system has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())

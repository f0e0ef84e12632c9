"""Labels that clout shows with every list of people, and a function that makes text from platforms safe to print."""

from typing import Any

UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"
BY_CONSENT = "everybody shown agreed to be published"
SOMEBODY = "somebody"  # a person who did not agree to be named
NOBODY_NAMED = "figures of everybody scored; nobody is named"
SIMULATION = "simulation"
SIMULATED = "SIMULATED: these people do not exist"


def plain(value: Any) -> str:
    """A value as one line of text that can neither move the cursor nor change colors, whatever a platform put into it."""
    if value is None:
        return ""
    text = f"{value:,}" if type(value) is int else str(value)
    return text if text.isprintable() else "".join(char if char.isprintable() else UNPRINTABLE for char in text)

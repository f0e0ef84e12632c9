"""README, guides and runbooks, and the commands in their blocks."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from jobs.places import ROOT

PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "infra" / "docs").glob("*.md")),
    *sorted((ROOT / "infra" / "runbooks").glob("*.md")),
]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LOOP = re.compile(r"for (\w+) in ([^;]+); do (.+); done")


def blocks(page: Path, language: str) -> list[str]:
    """The texts of a page's blocks in a language, without the indentation of a block in a list."""
    every = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [re.sub(f"^{indent}", "", text, flags=re.MULTILINE) for indent, of, text in every if of == language]


def scripts(page: Path) -> list[str]:
    """The shell blocks of a page, and the commands after a `$` in its blocks of output, in the page's order."""
    found = []
    for indent, language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "sh":
            found.append(re.sub(f"^{indent}", "", text, flags=re.MULTILINE))
        elif language == "text":
            found += re.findall(r"^\$ (.+)$", text, flags=re.MULTILINE)
    return found


def commands(script: str) -> Iterator[list[str]]:
    """The simple commands of a script, as words. A loop yields the commands of each round."""
    for line in LOOP.sub(unrolled, script).replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if not set(word) <= set(";|&"):
                words.append(word)
            elif words:
                yield words
                words = []


def unrolled(loop: re.Match[str]) -> str:
    name, words, body = loop.groups()
    return "; ".join(body.replace(f'"${name}"', word) for word in words.split())

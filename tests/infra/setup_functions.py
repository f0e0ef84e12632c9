"""Runs functions of set-up."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
INFRA = ROOT / "infra"


def bash(script: str, **environment: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs `script` with set-up's functions at hand, in an environment that has only what is named and a plain PATH."""
    return subprocess.run(
        ["/bin/bash", "-c", f"set -euo pipefail; source {str(INFRA / 'setup.sh')!r}; {script}"],
        env={"PATH": "/usr/bin:/bin", "CLOUT_APT": "off"} | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
    )

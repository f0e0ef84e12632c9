"""An error says its cause in one line; of an object store too, which hides it below the first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.causes import cause

CLOUT = Path(sys.executable).parent / "clout"
NOBODY = "http://127.0.0.1:9"  # a port where nothing listens


@pytest.mark.parametrize(
    ("text", "causes"),
    [
        ("", ""),
        ("one line", "one line"),
        ("Py4JJavaError\n\tat org.apache\n\tat scala", "Py4JJavaError"),
        ("Generic S3 error\n   \x1b[31m↳\x1b[0m HTTP error\n    \x1b[31m↳\x1b[0m Connection refused\n",
         "Generic S3 error: HTTP error: Connection refused"),
    ],
)  # fmt: skip
def test_causes_are_reported_and_traces_are_not(text: str, causes: str) -> None:
    assert cause(OSError(text)) == causes


@pytest.mark.system
@pytest.mark.parametrize("command", [["show", "--top", "9"], ["doctor"]])
def test_a_store_that_does_not_answer_is_named_with_its_cause(command: list[str], tmp_path: Path) -> None:
    store = {
        "CLOUT_WAREHOUSE": "s3://bucket/clout", "AWS_ENDPOINT_URL": NOBODY, "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1",
    }  # fmt: skip
    ran = subprocess.run(
        [CLOUT, *command], env=os.environ | store | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    (line,) = [line for line in (ran.stdout + ran.stderr).splitlines() if "cannot be reached" in line]
    assert line.split("(")[0].strip().endswith("s3://bucket/clout: the warehouse cannot be reached")
    assert "Generic S3 error" in line
    assert NOBODY in line
    assert "Connection refused" in line

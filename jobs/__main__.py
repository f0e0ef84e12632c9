"""`python -m jobs`, and the file that `spark-submit` wants: the same as the command `clout`."""

from jobs.cli import main

main()

"""`python -m jobs`, and the file that `spark-submit` wants: the same as the command `clout`."""

from jobs.cli.entry import main

main()

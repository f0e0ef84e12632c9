"""`python -m jobs`, and the file that `spark-submit` runs: the same as the command `clout`."""

from jobs.cli.entry import main

main()

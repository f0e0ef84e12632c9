#!/usr/bin/env bash
# Measures speed and memory; sets up first what is missing. Prints tables, and writes the raw figures to a file of JSON lines
# and all figures, with those of earlier commits, to a page (HTML).
#
#     bash infra/bench.sh                  all figures but `setup`, `cost`, `kills`, `night`, `ranks`, `validate-*`
#     bash infra/bench.sh week day explain only these
#     bash infra/bench.sh engines          engine memory against igraph and networkx; --graphs slashdot,higgs selects graphs
#     bash infra/bench.sh distributed      engines spark and graphframes against GraphFrames' own PageRank; --graphs too
#     bash infra/bench.sh budget           memory that engine `memory` uses, against its own estimate; --graphs too
#     bash infra/bench.sh acts             engagement of 10 and 50 million acts, with and without Comet, beside DuckDB; --acts 10
#     bash infra/bench.sh growth           from engagement to published scores at 1, 4 and 16 million pairs; --graphs too
#     bash infra/bench.sh cost             what a night takes on a cluster, predicted from small nights; --predict 25
#     bash infra/bench.sh cost --load acts=2e8,people=5e6  what it takes for another load than Klout's
#     bash infra/bench.sh cost --nights RAW_FIGURES.jsonl  the same from figures of an earlier run, without measuring
#     bash infra/bench.sh history          a night, a read, an explanation on 200 days and on ten years; maintenance
#     bash infra/bench.sh months           a night from all days of its window, and from roll-ups of its months
#     bash infra/bench.sh night            from Parquet to published scores: 1, 5, 50 million acts, and skewed nights; hours
#     bash infra/bench.sh night --night-acts 1,skew  only some sizes
#     bash infra/bench.sh leaving          1,000 people leave 200 days of 5 million acts, or --leaving-acts
#     bash infra/bench.sh kills            1,000 people leave, killed at 200 random moments, then a backfill; --people, --kills; an hour
#     bash infra/bench.sh links            who has several accounts: 3 million links between 10 million accounts
#     bash infra/bench.sh live             a roster of 1,000 accounts; 600,000 events of Jetstream, or --events; from loopback
#     bash infra/bench.sh ranks            ranks 100 million people, or --ranked, in a heap of 1 GB
#     bash infra/bench.sh setup            set-up from nothing; needs the network
#     bash infra/bench.sh validate-search  constants that predict what happens next, by size of their lead
#     bash infra/bench.sh validate-report  how well the best of them, 2026.11 and baselines predict, on every set
#     bash infra/bench.sh --to FOLDER ...  folder of both files; by default clout/bench in the user's data folder
#     bash infra/bench.sh --record ...     also keep the figures for the next pages, and draw README's picture: two files to commit
#
# It keeps generated graphs and warehouses (13 GB, and 10 GB of `night`) in $CLOUT_BENCH_CACHE, by default clout/bench/graphs in
# the user's data folder.
set -euo pipefail

# shellcheck source=infra/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
clout_setup
exec python "$clout_root/infra/bench" "$@"

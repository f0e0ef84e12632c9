#!/usr/bin/env bash
# Measures speed and memory, after any missing set-up. Prints tables and writes the raw figures to a file of JSON lines.
#
#     bash infra/bench.sh                  all figures but `setup`
#     bash infra/bench.sh week day explain only these
#     bash infra/bench.sh engines          the engines beside igraph and networkx; --graphs slashdot,higgs for some graphs
#     bash infra/bench.sh distributed      engines spark and graphframes beside GraphFrames' own PageRank; --graphs too
#     bash infra/bench.sh budget           memory that engine `memory` uses, beside its own estimate
#     bash infra/bench.sh growth           from engagement to published scores at 1, 4 and 16 million pairs; --graphs too
#     bash infra/bench.sh history          a night, a read, an explanation on 200 days and on ten years; maintenance
#     bash infra/bench.sh setup            set-up from nothing; needs the network
#     bash infra/bench.sh --to FOLDER ...  the file goes there; else to clout/bench in the user's data folder
#
# Generated graphs and warehouses are kept in $CLOUT_BENCH_CACHE (8 GB), by default in clout/bench/graphs of the user's data
# folder.
set -euo pipefail

# shellcheck source=infra/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
clout_setup
exec python "$clout_root/infra/bench" "$@"

#!/usr/bin/env bash
# Speed and memory, after whatever set-up is missing: one table, and the raw figures as a JSON file.
#
#     bash infra/bench.sh                  all figures but `setup`
#     bash infra/bench.sh week day         only these
#     bash infra/bench.sh setup            set-up from nothing; needs the network
#     bash infra/bench.sh --to FOLDER ...  the JSON file goes there; else to clout/bench in the user's data folder
set -euo pipefail

# shellcheck source=infra/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
clout_setup
exec python "$clout_root/infra/bench.py" "$@"

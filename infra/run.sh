#!/usr/bin/env bash
# Runs `clout run` with the given arguments; sets up first what is missing. Without arguments it runs the simulation.
set -euo pipefail

# shellcheck source=infra/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
clout_setup
exec "$clout_venv/bin/clout" run "$@"

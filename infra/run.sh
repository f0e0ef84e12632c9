#!/usr/bin/env bash
# Runs the main job, after any missing set-up. Arguments go to `clout run`; without any it runs the simulation.
set -euo pipefail

# shellcheck source=infra/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
clout_setup
exec "$clout_venv/bin/clout" run "$@"

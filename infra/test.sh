#!/usr/bin/env bash
# Runs lint, types and tests, after any missing set-up. Arguments go to pytest: `-m unit` while you write, a file, a name. All
# checks run; the script fails if any of them fails.
set -euo pipefail

# shellcheck source=infra/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
clout_setup
cd "$clout_root"
# In CI the script installs PostgreSQL itself, so that no test is skipped for want of a server.
if [[ -n ${CI:-} ]] && ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
    apt_install postgresql || say "PostgreSQL could not be installed: its test will fail"
fi

failed=()
ruff check . || failed+=("ruff check")
ruff format --check . || failed+=("ruff format --check")
mypy || failed+=(mypy)
if ((${#failed[@]})); then
    printf 'clout: failed: %s\n' "${failed[@]}" >&2
fi
# Two processes, each with its own Spark session. All tests of a file run in one; tests/conftest.py puts long tests first.
pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder "$@" || failed+=(pytest)
((${#failed[@]} == 0))

#!/usr/bin/env bash
# Runs lint, type checks and tests; sets up first what is missing. Passes its arguments to pytest: `-m unit` while you write, a
# file, or `-k NAME`. Runs all checks, and fails if any of them fails.
set -euo pipefail

# shellcheck source=infra/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
clout_setup
cd "$clout_root"
# In CI the script installs PostgreSQL itself, because tests that need a server would otherwise be skipped.
if [[ -n ${CI:-} ]] && ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
    apt_install postgresql || say "PostgreSQL could not be installed: its test will fail"
fi

# Each of hundreds of processes would compile clout's modules again.
unset PYTHONDONTWRITEBYTECODE

failed=()
ruff check . || failed+=("ruff check")
ruff format --check . || failed+=("ruff format --check")
# Beside the tests, because mypy keeps one core busy for a minute.
exec {types}< <(mypy 2>&1)
mypy=$!
# tests/conftest.py says in how many processes.
pytest --numprocesses auto --dist loadfile --no-loadscope-reorder "$@" || failed+=(pytest)
cat <&"$types"
wait "$mypy" || failed+=(mypy)
if ((${#failed[@]})); then
    printf 'clout: failed: %s\n' "${failed[@]}" >&2
    exit 1
fi

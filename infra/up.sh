#!/usr/bin/env bash
# Runs Airflow on this machine with SQLite and all DAGs unpaused; sets up first what is missing. Ctrl-C ends every process.
# Airflow's files are in $AIRFLOW_HOME. Environment variables override its settings: AIRFLOW__API__PORT for another port,
# AIRFLOW_CONN_SPARK_DEFAULT (such as spark://host:7077) for a cluster, and CLOUT_SOURCES and CLOUT_WAREHOUSE for clout.
set -euo pipefail

# A script that starts this one in the background makes it ignore SIGINT, the signal of Ctrl-C. Bash cannot trap a signal that
# was ignored at its start, so start again with the default.
if ((0x$(sed -n 's/^SigIgn:\s*//p' "/proc/$$/status") & 2)); then
    exec env --default-signal=INT bash "${BASH_SOURCE[0]}"
fi

# shellcheck source=infra/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
clout_setup

default() { [[ -v $1 ]] || export "$1=$2"; }

default AIRFLOW_HOME "${XDG_DATA_HOME:-$HOME/.local/share}/clout/airflow"
default AIRFLOW__CORE__DAGS_FOLDER "$clout_root/dags"
default AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION False
default AIRFLOW__CORE__LOAD_EXAMPLES False
default AIRFLOW__CORE__PARALLELISM 4 # each slot costs a process of 100 MB; Airflow's default is 32
default AIRFLOW__API__HOST 127.0.0.1
default AIRFLOW__API__PORT 8080
default AIRFLOW__API__WORKERS 1
address=http://127.0.0.1:$AIRFLOW__API__PORT
default AIRFLOW__API__BASE_URL "$address"
if [[ ! -v AIRFLOW_CONN_SPARK_DEFAULT ]]; then
    export AIRFLOW_CONN_SPARK_DEFAULT='{"conn_type": "spark", "host": "local[*]"}'
    default SPARK_LOCAL_IP 127.0.0.1 # without a network, the machine's name may not resolve
fi
# Tasks call the api-server on this machine, which a proxy could not reach.
export NO_PROXY=127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY} no_proxy=127.0.0.1,localhost${no_proxy:+,$no_proxy}
# Without it, Airflow's process titles would overwrite the environment that `marked` reads.
export SPT_NOENV=1

# Tasks run in their own sessions and may outlive their parents, so neither a process group nor a process tree holds all of
# them. So each process that this script starts inherits a mark in its environment: a kind (server or work) and this
# AIRFLOW_HOME. `marked KIND` prints the ids of these processes.
marked() { grep -lszxF "CLOUT_UP=$1 $AIRFLOW_HOME" /proc/[0-9]*/environ | cut -d / -f 3 || true; }

# end KIND SECONDS: terminates all processes of a kind, and kills those that remain after SECONDS.
end() {
    local pids seconds=$2
    mapfile -t pids < <(marked "$1")
    if ((${#pids[@]})); then kill -TERM "${pids[@]}" 2>/dev/null || true; fi
    SECONDS=0
    while mapfile -t pids < <(marked "$1") && ((${#pids[@]})); do
        if ((SECONDS >= seconds)); then kill -KILL "${pids[@]}" 2>/dev/null || true; fi
        sleep 0.2
    done
}

# Tasks end first, while the api-server can still record their end. Airflow then retries them after the next start.
end_all() {
    end work 15
    end server 10
} 2>/dev/null # hides bash's message about each killed job

start() { # KIND COMMAND...
    set -m # a separate process group, so that Ctrl-C in a terminal reaches only this script
    CLOUT_UP="$1 $AIRFLOW_HOME" airflow "${@:2}" >"$AIRFLOW_HOME/$2.log" 2>&1 </dev/null {lock}>&- &
    started[$!]=$2
    set +m
}

# Whether the answer to a plain HTTP request holds all of the given texts.
answers() { # PATH TEXT...
    local answer text
    answer=$(
        exec 2>/dev/null {http}<>"/dev/tcp/127.0.0.1/$AIRFLOW__API__PORT" || exit
        printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&"$http"
        cat <&"$http"
    ) || return
    for text in "${@:2}"; do [[ $answer == *"$text"* ]] || return; done
}

# Waits until Airflow's health report holds all of the given texts.
await() {
    until answers /api/v2/monitor/health "$@"; do
        (($(jobs -pr | wc -l) == ${#started[@]})) || give_up
        sleep 0.5
    done
}

# Waits until one of the started processes ends, which is always a failure. Prints the end of its log, ends the rest and exits.
give_up() {
    local ended
    wait -n -p ended "${!started[@]}" || true
    tail -n 20 "$AIRFLOW_HOME/${started[$ended]}.log" >&2
    say "Airflow's ${started[$ended]} exited unexpectedly; its log is $AIRFLOW_HOME/${started[$ended]}.log"
    end_all
    exit 1
}

mkdir -p "$AIRFLOW_HOME"
exec {lock}>>"$AIRFLOW_HOME/up.lock"
flock -n "$lock" || die "Airflow of $AIRFLOW_HOME is running already; end it with Ctrl-C where it was started, or set AIRFLOW_HOME"
end_all # ends processes that a killed up.sh left behind
if (: <>"/dev/tcp/127.0.0.1/$AIRFLOW__API__PORT") 2>/dev/null; then
    die "port $AIRFLOW__API__PORT is taken; to fix it: AIRFLOW__API__PORT=8081 bash infra/up.sh"
fi

declare -A started=() # process id -> name
trap 'trap "" INT TERM HUP; say "stopping"; end_all; exit 0' INT TERM HUP
say "preparing Airflow in $AIRFLOW_HOME"
quiet python -m dags.prepare || die "Airflow's database could not be prepared"
# Every process of this AIRFLOW_HOME, including an operator's commands, waits 60 s for SQLite's lock instead of the default 5 s.
sed -i 's|^\(sql_alchemy_conn = sqlite:.*airflow\.db\)$|\1?timeout=60|' "$AIRFLOW_HOME/airflow.cfg"
start server api-server
start work dag-processor
await '"metadatabase":{"status":"healthy"'
start work scheduler --skip-serve-logs # after the api-server, which tasks need; the api-server reads logs from this disk
start work triggerer --skip-serve-logs # waits for pulls and watches deadlines
await '"scheduler":{"status":"healthy"' '"dag_processor":{"status":"healthy"' '"triggerer":{"status":"healthy"'

password=$(sed -n 's/.*"admin": "\([^"]*\)".*/\1/p' "$AIRFLOW_HOME/simple_auth_manager_passwords.json.generated")
cat <<END
Airflow is ready: $address, user admin, password $password
  a range of days:  AIRFLOW_HOME=$(printf %q "$AIRFLOW_HOME") .venv/bin/airflow backfill create --dag-id pull_activity --from-date 2012-07-01 --to-date 2012-07-07
  its logs:         $AIRFLOW_HOME
  to stop:          Ctrl-C
END
give_up

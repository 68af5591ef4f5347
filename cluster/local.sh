#!/usr/bin/env bash
# This machine as a Ray cluster of N nodes with a share of its CPUs each, until COMMAND ends or Ctrl-C. On Linux.
#
#   cluster/local.sh [--cpus C] N [COMMAND ...]
#
#   --cpus C   CPUs of each node; by default the machine's, shared out
#   COMMAND    finds the cluster through its environment; its exit status is the script's. Without one the cluster stays
#              until Ctrl-C, and cluster/submit.sh in another terminal finds it through cluster/local.env.
#
# Another Ray may run beside it: all ports are free ones, all files lie in a folder of its own, readable by its owner
# only, and what is stopped at the end is what was started here. (`ray stop` stops every Ray of the machine.)
# shellcheck source=cluster/environment.sh
. "$(dirname "$0")/environment.sh"

USAGE="usage: cluster/local.sh [--cpus C] N [COMMAND ...]"
PATIENCE_S=120
# Ray itself kills what has not ended a second after it was told to.
GRACE_S=3

main() {
    local cpus=""
    if [ "${1-}" = --cpus ]; then
        cpus=${2-}
        [[ $cpus =~ ^[1-9][0-9]*$ ]] || die "--cpus '$cpus': expected a whole number from 1; $USAGE" 2
        shift 2
    fi
    [[ ${1-} =~ ^[1-9][0-9]*$ ]] || die "N '${1-}': expected a whole number from 1; $USAGE" 2
    local count=$1 share code=0
    shift
    share=$(($(nproc) / count))
    clear_state
    # Ray's sockets have long names, of which the system takes 107 bytes; $TMPDIR may be long.
    folder=$(mktemp -d /tmp/hr-XXXXXX)
    nodes=()
    client=()
    trap stop EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    start "$count" "${cpus:-$((share > 0 ? share : 1))}"
    if [ $# -gt 0 ]; then
        # In the background, where a signal to this script is dealt with at once.
        RAY_ADDRESS=127.0.0.1:$gcs_port "$@" <&0 &
        client=($!)
        wait "${client[@]}" || code=$?
        client=()
        return "$code"
    fi
    echo "Ctrl-C stops it"
    wait -n || true
    die "a node ended: $(last_words)"
}

# Start a head and its workers, and wait until all of them have joined.
start() {
    local count=$1 cpus=$2 memory client_port dashboard_port node options
    (umask 077 && python -c 'import secrets; print(secrets.token_hex(32), end="")' >"$folder/token")
    read -r gcs_port client_port dashboard_port < <(free_ports)
    unset RAY_AUTH_TOKEN
    export RAY_AUTH_TOKEN_PATH=$folder/token RAY_API_SERVER_ADDRESS=http://127.0.0.1:$dashboard_port
    (umask 077 && write_state >"$state")
    # Ray's own share, three tenths of the memory, is that of one node.
    memory=$(awk -v n="$count" '/^MemAvailable/ {m = int($2 * 1024 * 0.3 / n); printf "%d", (m > 1e8 ? m : 1e8)}' /proc/meminfo)
    for ((node = 0; node < count; node++)); do
        options=(--temp-dir="$folder/$node" --num-cpus="$cpus" --object-store-memory="$memory")
        options+=(--dashboard-agent-listen-port=0)
        if ((node == 0)); then
            options+=(--head --port="$gcs_port" --dashboard-port="$dashboard_port")
            options+=(--ray-client-server-port="$client_port")
        else
            # Each would count all GPUs of the machine as its own.
            options+=(--address="127.0.0.1:$gcs_port" --num-gpus=0)
        fi
        # A session of its own: Ctrl-C reaches this script alone, which then stops the nodes.
        HAR_RAY_NODES=$folder setsid ray start --block "${options[@]}" >"$folder/$node.log" 2>&1 </dev/null &
        nodes+=($!)
    done
    python "$root/cluster/wait_for_nodes.py" "$count" "$PATIENCE_S" &
    client=($!)
    wait -n "${nodes[@]}" "${client[@]}" || die "the cluster did not start: $(last_words)"
    client=()
    echo "a cluster of $count nodes with $cpus CPUs each: $RAY_API_SERVER_ADDRESS, token in $RAY_AUTH_TOKEN_PATH"
}

free_ports() {
    python -c '
import socket
sockets = [socket.create_server(("", 0)) for _ in range(3)]
print(*(one.getsockname()[1] for one in sockets))'
}

write_state() {
    echo "# Of the cluster that cluster/local.sh runs as process $$; for a shell: set -a; . cluster/local.env"
    echo "HAR_RAY_CLUSTER=$folder"
    echo "RAY_API_SERVER_ADDRESS=$RAY_API_SERVER_ADDRESS"
    echo "RAY_AUTH_MODE=token"
    echo "RAY_AUTH_TOKEN_PATH=$RAY_AUTH_TOKEN_PATH"
}

# One cluster in each clone. What a killed script has left behind is stopped.
clear_state() {
    [ -f "$state" ] || return 0
    local process
    process=$(sed -n 's/.* process \([0-9]*\);.*/\1/p' "$state")
    if tr '\0' ' ' 2>/dev/null <"/proc/$process/cmdline" | grep -q 'local\.sh'; then
        die "this clone has a cluster already (process $process): submit to it, or stop that process"
    fi
    kill_nodes "$(sed -n 's/^HAR_RAY_CLUSTER=//p' "$state")"
    rm -f "$state"
}

last_words() {
    tail -qn 3 "$folder"/*.log 2>/dev/null | tr '\n' ' '
}

# Workers first: a node ends in order only while its head is there.
stop() {
    trap '' INT TERM HUP
    disown -a # bash would report each process that is killed
    end "${client[@]}"
    end "${nodes[@]:1}"
    end "${nodes[@]:0:1}"
    kill_nodes "$folder" "${nodes[@]}" # each leads a session
    rm -f "$state"
}

# Ask processes to end, and give them time to.
end() {
    local tick
    kill "$@" 2>/dev/null || return 0
    for ((tick = 0; tick < GRACE_S * 10; tick++)); do
        kill -0 "$@" 2>/dev/null || break
        sleep 0.1
    done
}

# Kill all processes of the nodes in a folder, then remove it; more arguments are sessions that are theirs.
kill_nodes() {
    local tick pids sessions
    sessions=$(printf '%s\n' "${@:2}")
    for ((tick = 0; tick < 100; tick++)); do
        find_processes "$1"
        if [ "${#pids[@]}" -eq 0 ]; then break; fi
        kill -KILL "${pids[@]}" 2>/dev/null || true
        sleep 0.1
    done
    if [[ $1 =~ ^/tmp/hr-[[:alnum:]_]+$ ]]; then rm -rf "$1"; fi
}

# All live processes of the nodes in a folder, into `pids`: those with its mark in their environment, and all of their
# sessions, since Ray's agents write their title over their environment.
find_processes() {
    local marked
    marked=$(grep -lzsxF "HAR_RAY_NODES=$1" /proc/[0-9]*/environ | cut -d/ -f3 | paste -sd,) || true
    if [ -n "$marked" ]; then
        sessions=$(printf '%s\n%s\n' "$sessions" "$(ps -o sid= -p "$marked")" | tr -d ' ' | grep . | sort -u)
    fi
    pids=()
    if [ -n "$sessions" ]; then
        mapfile -t pids < <(ps -o stat=,pid= -s "${sessions//$'\n'/,}" | awk '$1 !~ /^Z/ {print $2}')
    fi
}

main "$@"

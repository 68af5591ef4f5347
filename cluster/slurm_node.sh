#!/usr/bin/env bash
# A Ray node on this machine until it is told to end, with the CPUs that Slurm gives it; options are those of `ray start`.
# shellcheck source=cluster/environment.sh
. "$(dirname "$0")/environment.sh"

# Local, as sockets need it, and the owner's: Ray makes its own folders writable for all.
folder=$(mktemp -d /tmp/hr-XXXXXX)
trap 'rm -rf "$folder"' EXIT
ray start --block --temp-dir="$folder" --num-cpus="$(nproc)" --dashboard-agent-listen-port=0 --log-color=false "$@" \
    </dev/null &
trap 'kill $!; wait $!' TERM INT
wait $!

# shellcheck shell=bash
# What the scripts of this folder share: the environment that `make` installs, which need not be activated, and tokens.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# A cluster that is running: where it is and where its token lies, for other terminals.
state=$root/cluster/local.env

die() {
    echo "${0##*/}: $1" >&2
    exit "${2:-1}"
}

if [ -x "$root/.venv/bin/python" ]; then PATH=$root/.venv/bin:$PATH; fi
command -v ray >/dev/null || die "no Ray in $root/.venv or on PATH; install with: make .venv/ready"

# An address left over from another cluster: Ray would wait for that one, for minutes.
unset RAY_ADDRESS
# Ray 2.60 starts nodes without a token unless it is told so.
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0

# The running cluster, unless the caller names another.
load_state() {
    if [ -z "${RAY_API_SERVER_ADDRESS-}" ] && [ -f "$state" ]; then
        set -a
        # shellcheck source=/dev/null
        . "$state"
        set +a
    fi
    [ -n "${RAY_API_SERVER_ADDRESS-}" ] ||
        die "no cluster; start one with cluster/local.sh, or set RAY_API_SERVER_ADDRESS=http://HEAD:8265" 2
}

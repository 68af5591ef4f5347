#!/usr/bin/env bash
# Submit a grid as a Ray job, show its log, and exit as it exits; after Ctrl-C the job goes on.
#
#   cluster/submit.sh GRID [--set KEY=VALUE ...] [--storage PATH_OR_URI]
#
# To the cluster at RAY_API_SERVER_ADDRESS, with the token in RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token; where that is not
# set, to the one that cluster/local.sh has started in another terminal.
# shellcheck source=cluster/environment.sh
. "$(dirname "$0")/environment.sh"
load_state
PYTHONPATH=$root exec python "$root/cluster/submit.py" "$@"

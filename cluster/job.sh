#!/usr/bin/env bash
# `ray job` with the address and the token that cluster/submit.sh uses.
#
#   cluster/job.sh list|logs|status|stop [OPTIONS] [JOB]
# shellcheck source=cluster/environment.sh
. "$(dirname "$0")/environment.sh"
load_state
exec ray job "$@"

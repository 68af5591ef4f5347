"""`cluster/slurm.sbatch` on this machine, with an `srun` that runs its command here and a `scontrol` with two hosts."""

import socket

import pytest

from tests.cluster.clone import clone, ended, environment, gone, sessions, started

pytestmark = pytest.mark.xdist_group("ray")

SRUN = """#!/bin/sh
echo "srun $*" >>"$0.log"
while case "$1" in --*) true;; *) false;; esac; do shift; done
exec "$@"
"""
SCONTROL = f"""#!/bin/sh
[ "$*" = "show hostnames nodes[1-2]" ] && echo {socket.gethostname()} && echo another
"""


def test_head_workers_and_grid_run_and_end_together(tmp_path):
    """The job ends with 2, as it can't write its results. `ray job submit` would make that 1; here it is the status."""
    folder = clone(tmp_path / "clone")
    commands = tmp_path / "commands"
    commands.mkdir()
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    env = environment(tmp_path, SLURM_SUBMIT_DIR=str(folder), SLURM_JOB_ID="4711", SLURM_JOB_NODELIST="nodes[1-2]")
    env["PATH"] = f"{commands}:{env['PATH']}"
    spool = tmp_path / "slurm_script"  # Slurm runs a copy of the script
    spool.write_text((folder / "cluster/slurm.sbatch").read_text())
    code, said = ended(
        started(f"bash {spool} grids/quick.yaml --storage /dev/null/results", folder, env),
    )
    assert (code, "storage /dev/null/results" in said) == (2, True), said
    head, workers = (commands / "srun.log").read_text().splitlines()
    assert f"--nodes=1 --ntasks=1 --ntasks-per-node=1 --cpus-per-task=1 --nodelist={socket.gethostname()} " in head
    assert f"--exclude={socket.gethostname()} cluster/slurm_node.sh --address={socket.gethostname()}:22133" in workers
    assert not list((folder / "cluster").glob(".slurm-*"))
    assert gone(sessions(tmp_path))  # on a real node Slurm kills what is left of a step

"""Two processes that train together, as the workers of a Ray Train group do."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import torch.distributed as dist
from torch.multiprocessing.spawn import spawn

Work = Callable[[int, str], None]


def together(work: Work, folder: Path) -> None:
    """Two processes at `work`, a function (rank, folder), to their end."""
    spawn(_in_a_group, args=(work, str(folder)), nprocs=2)


def _in_a_group(rank: int, work: Work, folder: str) -> None:
    # Over loopback: the address that belongs to the host's name may lead nowhere.
    os.environ["GLOO_SOCKET_IFNAME"] = next(name for name in psutil.net_if_addrs() if name.startswith("lo"))
    meeting = f"file://{folder}/meet"
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2, timeout=timedelta(seconds=120))
    work(rank, folder)
    dist.destroy_process_group()

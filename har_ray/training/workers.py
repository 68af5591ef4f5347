"""Ray Train workers that train cell after cell: one group of workers serves a trial process for all its jobs.

A group takes seconds to start (controller, placement, processes, process group), a small model's epoch a fraction of
one; so the group stays, and takes its jobs from a mailbox. The mailbox is also how a job ends before its time: each
report waits for an answer, and the loop ends itself when it is asked to. Nothing is stopped from outside, which would
leak the group's placement. A worker that dies is started again by Ray Train and takes the same job, from its
checkpoint.
"""

import asyncio
import contextlib
import os
import threading
import uuid
from collections.abc import Generator, Sequence
from dataclasses import asdict
from typing import Any

import ray
import ray.train
import torch
import torch.distributed as dist
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer

from har_ray import cluster
from har_ray.errors import StorageError, TrainingError
from har_ray.plan.cells import Job
from har_ray.spec.grid import Resources
from har_ray.store.stores import Stores
from har_ray.temporary import TemporaryFolder
from har_ray.training.ranks import Ranks, device_of
from har_ray.training.run import Report, run

MAX_FAILURES = 3
POLL_S = 0.2
"""How often Ray Train's controller looks at its workers; its default of 2 s is longer than many a job."""


class Mailbox:
    """Between a trial and its workers: jobs one way, reports the other; strictly one thing at a time."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self.closed = False
        self.changed = asyncio.Condition()
        self.reports: asyncio.Queue[Report] = asyncio.Queue()
        self.answers: asyncio.Queue[bool] = asyncio.Queue()
        self.unanswered = False

    async def put(self, job: Job | None) -> None:
        """The trial's next job; None: there will be none, the workers may go."""
        async with self.changed:
            self.job, self.closed = job, job is None
            self.changed.notify_all()

    async def take(self) -> Job | None:
        """The worker's next job; the same again after a crash."""
        self.answers, self.unanswered = asyncio.Queue(), False
        async with self.changed:
            await self.changed.wait_for(lambda: self.closed or self.job is not None)
            return self.job

    async def report(self, report: Report) -> bool:
        """The worker's report; the answer is whether to go on, and comes when the trial wants the next."""
        answers, self.unanswered = self.answers, not report.last
        if report.last:
            self.job = None
        await self.reports.put(report)
        return await answers.get() if self.unanswered else False

    async def next(self) -> Report:
        """Called by the trial to get the next report."""
        await self._answer(True)
        return await self.reports.get()

    async def cut(self) -> None:
        """The trial needs no more of this job."""
        self.job = None
        await self._answer(False)

    async def _answer(self, go_on: bool) -> None:
        if self.unanswered:
            self.unanswered = False
            await self.answers.put(go_on)


class Workers:
    """A group of Ray Train workers, started at once and kept until `close`.

    The trial that starts the group has reserved what its workers need, on its own node. So they ask Ray for nothing,
    run where the trial runs, and share the GPUs that Ray gave to it.

    Args:
        gpus: the ids of those GPUs, as in `CUDA_VISIBLE_DEVICES`.
    """

    def __init__(self, stores: Stores, resources: Resources, gpus: Sequence[str] = ()) -> None:
        os.environ["RAY_TRAIN_HEALTH_CHECK_INTERVAL_S"] = str(POLL_S)
        self.mailbox: Any = ray.remote(Mailbox).options(num_cpus=0).remote()
        self.error: BaseException | None = None
        # Ray Train keeps books of its own, which nothing here reads.
        self.books = TemporaryFolder("train")
        trainer = TorchTrainer(
            work,
            train_loop_config={"mailbox": self.mailbox, "stores": asdict(stores), "gpu": bool(gpus)},
            torch_config=TorchConfig(backend="nccl" if gpus and torch.cuda.is_available() else "gloo"),
            scaling_config=ScalingConfig(
                num_workers=resources.workers,
                resources_per_worker={"CPU": 0, "memory": 1},  # Ray Train wants something to be asked for
                label_selector={"ray.io/node-id": ray.get_runtime_context().get_node_id()},
            ),
            run_config=RunConfig(
                name=f"workers-{uuid.uuid4().hex[:8]}",
                storage_path=str(self.books.path),
                failure_config=FailureConfig(max_failures=MAX_FAILURES),
                worker_runtime_env={"env_vars": {"CUDA_VISIBLE_DEVICES": ",".join(gpus)}} if gpus else None,
            ),
        )
        self.thread = threading.Thread(target=self._fit, args=(trainer,), daemon=True)
        self.thread.start()

    def _fit(self, trainer: TorchTrainer) -> None:
        try:
            trainer.fit()
        except BaseException as error:
            self.error = error

    def run(self, job: Job) -> Generator[Report, None, None]:
        """The same as `har_ray.training.run.run`, in the workers.

        Raises:
            StorageError: the storage was given up.
            TrainingError: the workers died more often than they are started again.
        """
        ray.get(self.mailbox.put.remote(job))
        last = False
        try:
            while not last:
                report = self._next()
                last = report.last
                if report.storage_error:
                    raise StorageError(report.storage_error)
                yield report
        finally:
            if not last:
                ray.get(self.mailbox.cut.remote())

    def _next(self) -> Report:
        coming = self.mailbox.next.remote()
        while not ray.wait([coming], timeout=1.0)[0]:
            if not self.thread.is_alive():
                raise TrainingError(f"the Ray Train workers ended: {self.error}")
        report: Report = ray.get(coming)
        return report

    def close(self) -> None:
        """Let the workers go and wait until they have."""
        if self.thread.is_alive():
            ray.get(self.mailbox.put.remote(None))
        self.thread.join()
        self.books.cleanup()


def work(config: dict[str, Any]) -> None:
    """What each worker does: one job after the other until there are no more."""
    mailbox, stores = config["mailbox"], Stores(**config["stores"])
    cluster.forward_log()
    context = ray.train.get_context()
    rank, world = context.get_world_rank(), context.get_world_size()
    device = device_of(rank, world) if config["gpu"] else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    torch.set_num_threads(1)
    ranks = Ranks(rank, world, device)
    first = rank == 0
    while (job := ranks.agree(ray.get(mailbox.take.remote()) if first else None)) is not None:
        with contextlib.closing(_reports(job, stores, ranks)) as reports:
            for report in reports:
                if not ranks.agree(ray.get(mailbox.report.remote(report)) if first else True):
                    break
    if dist.is_initialized():
        dist.barrier()


def _reports(job: Job, stores: Stores, ranks: Ranks) -> Generator[Report, None, None]:
    """As `run`; that the storage was given up is a report too, since an error would end the group."""
    try:
        yield from run(job, stores, ranks)
    except StorageError as error:
        yield Report(job.cell.columns(), ended=True, storage_error=str(error))

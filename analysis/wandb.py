"""`python -m analysis wandb RESULTS --project P [--entity E]`: a grid in W&B, as runs, tables, figures and a Report.

Runs of the confirm cells of the present plan are sent where the project does not have them; one run of job type
`report` holds the CSV files as tables, the figures, and the report's folder as an artifact; the Report has the page's
sections. Sent again, both are renewed. Offline, all of it is written beside the results instead.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.load import Results
from analysis.page import Section
from analysis.report import write_files
from analysis.wandb_report import JOB_TYPE, make_report, readable, spec, title
from har_ray.errors import HarRayError
from har_ray.store.results import ResultStore
from har_ray.temporary import TemporaryFolder
from har_ray.text import counted
from har_ray.tracking import LocalFolder, Run
from har_ray.tracking.wandb import WandbTracker

TRACKER = "wandb"
ARTIFACTS = "artifacts"
"""Where W&B keeps the files of artifacts until they are sent."""
PAGE_SIZE = 500
LONGEST_ID = 128
"""In characters, of a run or an artifact: https://docs.wandb.ai/ref/python/functions/init."""


def send(results: Results, project: str, entity: str | None = None) -> Iterator[str]:
    """Send a grid, finished or not, or write what would be sent; says line by line what was done.

    Raises:
        HarRayError: the server is away, or refuses.
    """
    import wandb
    from wandb.sdk.lib.service.service_connection import WandbApiFailedError

    wandb.setup(wandb.Settings(silent=True))
    try:
        online = wandb.login(prompt=False, verify=False)
        yield from (_online if online else _offline)(results, project, entity)
    except (wandb.Error, WandbApiFailedError) as error:
        raise HarRayError(f"W&B, project {project}: {' '.join(str(error).split())}") from error


def _online(results: Results, project: str, entity: str | None) -> Iterator[str]:
    import wandb

    api = wandb.Api()
    owner = entity or api.default_entity
    if not owner:
        raise HarRayError("W&B: the key belongs to no entity; name one with --entity")
    there = _ended_runs(api, f"{owner}/{project}", results.name)
    with closing(LocalFolder(ResultStore(results.path))) as local:
        tracker = _tracker("online", results, project, owner, local)
        sent = _log_cells(tracker, results, local, there)
        yield f"runs: {counted(sent, 'cell')} sent, {len(_completed(results) & there)} were there"
        sections, figures, url = _log_report(tracker, results)
        yield f"tables, figures and the report's folder: {url}"
    report = make_report(results, sections, figures, project, owner)
    report.id = _report_there(api, f"{owner}/{project}", report.title)
    report.save()
    yield f"Report: {report.url}"


def _offline(results: Results, project: str, entity: str | None) -> Iterator[str]:
    store, options = ResultStore(results.path), f"--project {project}" + (f" --entity {entity}" if entity else "")
    had = store.tracked(TRACKER)
    with closing(LocalFolder(store)) as local:
        # Artifacts wait there until they are sent; by default that is a folder of the user's.
        os.environ.setdefault("WANDB_DATA_DIR", str(local.path / "wandb"))
        tracker = _tracker("offline", results, project, entity, local)
        logged = _log_cells(tracker, results, local, had)
        _delete_report(store, _report_id(results))
        sections, figures, _ = _log_report(tracker, results)
        report = make_report(results, sections, figures, project, entity)
        for suffix, text in (("json", spec(report)), ("md", readable(report))):
            (local.path / "wandb" / f"{_report_id(results)}.{suffix}").write_text(text, encoding="utf-8")
        local.deliver()
    home = store.root.child("wandb")
    reason = "WANDB_MODE" if os.environ.get("WANDB_MODE") else "no key"
    yield f"W&B is offline ({reason}): nothing was sent, all of it is in {home}"
    yield f"  runs: {counted(logged, 'cell')} logged, {len(_completed(results) & had)} were before"
    yield f"  tables, figures and the report's folder: the run {_report_id(results)}"
    yield f"  the Report, which only a server can make: {_report_id(results)}.json, to read {_report_id(results)}.md"
    yield "To send all of it: `wandb login`, then the same command without WANDB_MODE."
    if store.root.local:
        yield f"To send the runs alone: wandb sync {options} {home}/offline-run-*"


def _delete_report(store: ResultStore, run_id: str) -> None:
    """The run of an earlier call, and the files of its artifact."""
    for name in store.root.names("wandb"):
        if name.endswith(f"-{run_id}") or name == ARTIFACTS:
            store.root.delete(f"wandb/{name}")


def _tracker(mode: str, results: Results, project: str, entity: str | None, local: LocalFolder) -> WandbTracker:
    tracker = WandbTracker(mode, project, entity)
    tracker.start(Run(results.name, results.info["grid"], local.path))
    return tracker


def _completed(results: Results) -> set[str]:
    """The confirm cells of the present plan that are completed; rows of an older one are no cells of the results."""
    return {cell.row["cell_id"] for cell in results.cells if cell.state == "completed"}


def _log_cells(tracker: WandbTracker, results: Results, local: LocalFolder, had: Collection[str]) -> int:
    """Log the completed cells that W&B has not had yet, as the tracker does while a grid runs; how many."""
    store = ResultStore(results.path)
    rows = store.rows(_completed(results) - set(had))
    for cell_id, row in rows.items():
        tracker.cell_ended(row, store.curve(row))
        local.deliver()
        store.mark_tracked(cell_id, TRACKER)
    return len(rows)


def _log_report(tracker: WandbTracker, results: Results) -> tuple[list[Section], list[str], str]:
    """Make the report and log it; returns its sections, the keys of its figures, and the address of the run."""
    import wandb

    with TemporaryFolder("wandb") as folder:
        sections = write_files(results, folder)
        figures = {f"figures/{path.stem}": wandb.Image(str(path)) for path in sorted(folder.glob("figures/*.png"))}
        artifact = wandb.Artifact(f"report-{results.name}"[:LONGEST_ID], "report", metadata=results.provenance)
        artifact.add_dir(str(folder))
        with tracker.opened(_report_id(results), title(results), JOB_TYPE, dict(results.provenance)) as run:
            run.log({f"tables/{path.stem}": _table(path) for path in sorted(folder.glob("*.csv"))} | figures)
            run.log_artifact(artifact)
    return sections, list(figures), str(run.url or "")


def _table(path: Path) -> Any:
    """A CSV file of the report as a table of W&B, its numbers to the last digit; empty fields are None."""
    import wandb

    try:
        frame = pd.read_csv(path, float_precision="round_trip", keep_default_na=False, na_values=[""])
    except pd.errors.EmptyDataError:
        return wandb.Table(columns=[], data=[])
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return wandb.Table(columns=list(frame.columns), data=rows, allow_mixed_types=True)


def _report_id(results: Results) -> str:
    """Of the run; the same for the same grid, so that it is renewed."""
    return f"report-{results.provenance['grid_hash']}-{results.name}"[:LONGEST_ID]


def _ended_runs(api: Any, project: str, group: str) -> set[str]:
    """The ids of a grid's runs that a project has in full."""
    runs = api.runs(project, filters={"group": group, "state": "finished"}, per_page=PAGE_SIZE)
    try:
        return {str(run.id) for run in runs}
    except ValueError:  # there is no such project yet
        return set()


def _report_there(api: Any, project: str, named: str) -> str:
    """The id of the Report of that title, empty where there is none yet."""
    return next((str(one.id) for one in api.reports(project) if one.display_name == named), "")

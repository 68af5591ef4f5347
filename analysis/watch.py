"""`--watch`: the report of a grid that runs, made again every minute until the grid has ended.

In a process of its own, which the user starts, and not in the grid's driver: on two cores that train beside it a report
of 7 to 240 cells of the tables took 4 to 15 s, too much of each minute to take from training whether somebody looks or
not. The grid makes its report again at the end of each stage (`har_ray/stage_report.py`).
"""

import time
from datetime import datetime
from pathlib import Path

from analysis.candidates import candidates
from analysis.figures.looks import looks
from analysis.load import Results, load_results
from analysis.report import write_report
from analysis.scores import variant_results
from analysis.statistics import compare
from analysis.summary import progress, standing
from analysis.sweep import sweeps
from har_ray.errors import HarRayError

EVERY_S = 60.0
INTERRUPTED = 130


def watch(path: str, out: Path | None, every_s: float = EVERY_S) -> int:
    """Write the report again and again, a line for each time; the exit status: 0, or 130 after Ctrl-C.

    A storage that fails in between is said, and tried again the next time.

    Raises:
        HarRayError, OSError: there are no results to begin with.
    """
    written = False
    try:
        while True:
            try:
                results = load_results(path)
                print(f"{datetime.now():%H:%M:%S} report: {write_report(results, out)}{_how_far(results)}", flush=True)
                written = True
                if results.ended:
                    return 0
            except (HarRayError, OSError) as error:
                if not written:
                    raise
                print(f"{datetime.now():%H:%M:%S} not made again: {error}", flush=True)
            # What was worked out of these rows would stay in memory.
            for cached in (variant_results, sweeps, compare, candidates, looks):
                cached.cache_clear()
            time.sleep(every_s)
    except KeyboardInterrupt:
        return INTERRUPTED


def _how_far(results: Results) -> str:
    said = " ".join(filter(None, (standing(results), progress(results))))
    return f" · {said}" if said else ""

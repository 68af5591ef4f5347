"""The report at the end of each stage of a running grid, in a process of its own.

A report takes seconds, in which the driver could hand out no cell; and whatever befalls it, the grid goes on. At most
one is made in a minute: stages that take less are not worth the time of their cells. Who looks at a page all the while
has `har-ray report RESULTS --watch`.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

WAIT_S = 10.0
"""For a process that was told to end."""
AT_MOST_EVERY_S = 60.0


class StageReport:
    """Makes the report of the results at a URI whenever it is called with the name of a stage that has ended."""

    def __init__(self, uri: str) -> None:
        # -P: the working directory does not come before this package; a user may have an `analysis` of their own there.
        self.command = [sys.executable, "-P", "-m", "har_ray.cli", "report", uri]
        self.process: subprocess.Popen[str] | None = None
        self.begun = time.monotonic()
        """The grid, or the report made last."""

    def __call__(self, stage: str) -> None:
        if time.monotonic() - self.begun < AT_MOST_EVERY_S:
            return
        if self.process is not None:
            if self.process.poll() is None:
                return
            self._end()
        self.begun = time.monotonic()
        paths = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        try:
            self.process = subprocess.Popen(
                self.command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
        except OSError as error:
            print(f"[report] not made at the end of {stage}: {error}", flush=True)

    def close(self) -> None:
        """Give up what still runs: the report of the whole grid comes next, and writes the same files."""
        if self.process is None:
            return
        if self.process.poll() is not None:
            self._end()
            return
        self.process.send_signal(signal.SIGINT)  # upon which it also removes its temporary files
        try:
            self.process.communicate(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        self.process = None

    def _end(self) -> None:
        """Take leave of a process that has ended, and say what went wrong in it."""
        assert self.process is not None
        _, said = self.process.communicate()
        if self.process.returncode:
            reason = (said.strip().splitlines() or ["no reason is given"])[-1]
            print(f"[report] not made at the end of a stage: {reason}", flush=True)
        self.process = None

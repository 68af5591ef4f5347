"""Plants one mistake at a time in a copy of the source, and says which of them no test catches: `make planted`.

    python -m tests.planted [NAME…] [--list]    NAME: a part of a mistake's name

First the tests must pass on the unchanged copy, else the mistakes prove nothing. A mistake is caught when a test that
is named for it fails; where a fixture fails or pytest can't run them, it is neither caught nor survived but broken.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from har_ray.text import duration
from tests.mistakes import MISTAKES
from tests.mistakes.mistake import ROOT, Mistake

PRELOADED = ["fvcore.nn", "moto.moto_server.werkzeug_app", "pandas", "pytest", "ray.data", "scipy.signal",
             "scipy.stats", "sklearn.metrics", "sklearn.model_selection", "torch"]  # fmt: skip
"""What takes longer to import than most tests take to run: the server imports it once, and forks what runs them."""
LIMIT_S = 600
"""A mistake may make a test run for ever."""
GRACE_S = 20
"""In which pytest, after Ctrl-C, ends the Ray that it has started."""
RAN = 100
"""Added to pytest's exit status: a process that fails before ends with 1 too, as a test that fails."""
PASSED, FAILED, ERROR = RAN, RAN + 1, RAN + 99
"""All other exit statuses mean that the tests could not be run; the last is that of a fixture that failed."""
OURS = ("har_ray", "analysis", "tests")


class Copy:
    """What git knows of the repository, or would add, in a folder of its own below `home`."""

    def __init__(self, home: Path) -> None:
        self.folder, self.output = home / "copy", home / "output"
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        git = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True)
        if git.returncode:
            sys.exit(f"{ROOT}: git cannot list its files, of which a copy is made: {git.stderr.strip()}")
        for name in filter(None, git.stdout.split("\0")):
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.folder / name)
        os.environ["HAR_RAY_TEST_WINDOWS"] = str(home / "windows")
        self.processes = get_context("forkserver")
        self.processes.set_forkserver_preload(PRELOADED)

    def run(self, tests: Sequence[str]) -> int | None:
        """How the tests ended; None where they took too long."""
        process = self.processes.Process(target=run_tests, args=(self.folder, tests, self.output))
        try:
            process.start()
        except (OSError, EOFError) as error:
            sys.exit(f"the server that the tests' processes fork from has ended: {error}")
        try:
            process.join(LIMIT_S)
            return process.exitcode
        finally:
            process.join(GRACE_S)
            process.kill()
            process.join()

    @contextlib.contextmanager
    def with_mistake(self, mistake: Mistake) -> Iterator[None]:
        """The copy has the mistake until the block ends."""
        path = self.folder / mistake.file
        right = path.read_text()
        path.write_text(right.replace(mistake.right, mistake.wrong))
        try:
            yield
        finally:
            path.write_text(right)


def run_tests(folder: Path, tests: Sequence[str], output: Path) -> None:
    """The process: pytest in the copy, which is imported in place of the repository."""
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    # Byte code is kept by the second and size of the source, which may be those of another mistake.
    sys.dont_write_bytecode = True
    import pytest

    import har_ray

    if Path(har_ray.__file__).parent.parent != folder:
        print(f"{har_ray.__file__} is imported, not the copy in {folder}")
        sys.exit(ERROR)
    fixtures = Fixtures()
    ending = pytest.main(["-x", "-q", *tests], plugins=[fixtures])
    sys.exit(ERROR if fixtures.failed else RAN + ending)


class Fixtures:
    """Of pytest a plugin that notes whether a fixture has failed, which says nothing of a mistake."""

    failed = False

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.failed |= report.failed and report.when != "call"


def plant(mistakes: Sequence[Mistake]) -> int:
    """Plant the mistakes in turn, with a line for each; 1 where one was not caught, 2 where the tests fail without."""
    with tempfile.TemporaryDirectory(prefix="planted-") as home:
        copy, tests = Copy(Path(home)), dict.fromkeys(test for mistake in mistakes for test in mistake.tests)
        print(f"{len(tests)} tests on the unchanged copy", flush=True)
        if copy.run(list(tests)) != PASSED:
            print(f"{copy.output.read_text()}\nthe tests must pass before a mistake is planted")
            return 2
        start, endings = time.monotonic(), []
        for mistake in mistakes:
            begun = time.monotonic()
            with copy.with_mistake(mistake):
                endings.append(copy.run(mistake.tests))
            now = time.monotonic()
            left = duration((now - start) / len(endings) * (len(mistakes) - len(endings)))
            print(f"{said(mistake, endings[-1], duration(now - begun))}  [{left} left]", flush=True)
            if endings[-1] not in (PASSED, FAILED):
                print(copy.output.read_text())
    caught, survived = endings.count(FAILED), endings.count(PASSED)
    broken = f", {len(endings) - caught - survived} broken" if caught + survived < len(endings) else ""
    took = duration(time.monotonic() - start)
    print(f"{len(endings)} planted, {caught} caught, {survived} survived{broken} in {took}")
    return int(caught < len(endings))


def said(mistake: Mistake, ending: int | None, took: str) -> str:
    if ending == FAILED:
        return f"caught in {took}  {mistake.name}"
    if ending == PASSED:
        return f"SURVIVED {took}  {mistake.name} ({mistake.file}; {', '.join(mistake.tests)})"
    why = f"no end within {LIMIT_S} s" if ending is None else f"the tests ended with {ending}"
    return f"BROKEN {took}  {mistake.name}: {why}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only mistakes with one of these in their names")
    parser.add_argument("--list", action="store_true", help="only name the mistakes")
    given = parser.parse_args()
    mistakes = [m for m in MISTAKES if not given.names or any(name in m.name for name in given.names)]
    if not mistakes:
        parser.error(f"no mistake has such a name; --list names all {len(MISTAKES)}")
    if given.list:
        print("\n".join(mistake.name for mistake in mistakes))
        return 0
    if faults := [fault for mistake in mistakes if (fault := mistake.fault())]:
        print("\n".join(faults))
        return 2
    try:
        return plant(mistakes)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""Temporary folders: gone at their end, and after a kill gone with the next start; nobody else's is touched."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from har_ray import temporary
from har_ray.temporary import TemporaryFolder, delete_left

HOLD = """
import sys, time
from har_ray.temporary import TemporaryFolder
folder = TemporaryFolder("train")
(folder.path / "file").write_text("")
print(folder.path, flush=True)
time.sleep(600)
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The machine's folder for temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@pytest.fixture
def other(home):
    """Another process that has a folder, and the folder."""
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_nothing_is_left_at_the_end(home):
    with TemporaryFolder("export") as folder:
        assert folder.parent == home
        (folder / "file").write_text("")
    assert list(home.iterdir()) == []


def test_what_a_killed_process_has_left_goes_with_the_next_start(home, other):
    process, left = other
    with TemporaryFolder("export") as mine:
        assert (left / "file").exists(), "its process lives"
        process.send_signal(signal.SIGKILL)
        process.wait()
        with TemporaryFolder("train"):
            assert not left.exists()
            assert mine.exists()
    assert list(home.iterdir()) == []


def test_folders_of_others_stay(home, other, monkeypatch):
    process, left = other
    process.kill()
    process.wait()
    like_ours = home / "har-ray-train-abc"
    like_ours.mkdir()
    (home / "har-ray-link.lock").symlink_to(left / "file")
    monkeypatch.setattr(os, "getuid", lambda: -1)
    delete_left()
    assert (left / "file").exists(), "another user's"
    monkeypatch.undo()
    monkeypatch.setattr(temporary, "gettempdir", lambda: str(home))
    delete_left()
    assert not left.exists()
    assert like_ours.exists(), "nothing says that its process is gone"

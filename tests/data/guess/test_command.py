"""`har-ray data guess`: a clean descriptor, what it looks like beside it, and no file written over."""

import logging

import pytest
import yaml

from har_ray.data.__main__ import main
from tests.data.guess.shapes import plain


@pytest.fixture(autouse=True)
def as_it_was():
    """The command makes the package's logging talk."""
    log = logging.getLogger("har_ray")
    before = log.level
    yield
    log.setLevel(before)


def test_standard_output_is_the_descriptor(tmp_path, monkeypatch, capsys):
    plain(tmp_path, (1, 2), "t,ax,ay,az,code")
    monkeypatch.chdir(tmp_path)
    assert main(["guess", "raw"]) == 0
    out, err = capsys.readouterr()
    assert yaml.safe_load(out)["files"] == "raw/p*.csv"
    table = err.splitlines()
    assert table[0] == "raw/p1.csv, the first 2 s:"
    assert table[1].split() == ["channel", "unit", "min", "median", "max"]
    assert all(len(line) <= 80 for line in table[:5])
    assert table[4].split()[:2] == ["acc_z", "m/s^2"]
    assert 9 < float(table[4].split()[3]) < 11  # gravity
    assert set(table[4].split()[5]) <= set("▁▂▃▄▅▆▇█")


def test_questions_stand_in_the_file_and_are_printed(tmp_path, monkeypatch, capsys):
    plain(tmp_path, (1, 2), "ax,ay,az,activity", "{x:.4f},{y:.4f},{z:.4f},{label}")
    monkeypatch.chdir(tmp_path)
    assert main(["guess", "raw/*.csv", "--out", "mine.yaml"]) == 0
    question = "no column tells the time: how many rows per second?"
    assert f"rate_hz: 50  # ? {question}" in (tmp_path / "mine.yaml").read_text().splitlines()
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == f"? rate_hz: {question}"
    assert err == ""


def test_no_file_is_written_over(tmp_path, monkeypatch, capsys):
    plain(tmp_path, (1,))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("mine\n")
    assert main(["guess", "raw", "--out", "mine.yaml"]) == 2
    assert capsys.readouterr().err == "mine.yaml: exists; --force writes over it\n"
    assert (tmp_path / "mine.yaml").read_text() == "mine\n"
    assert main(["guess", "raw", "--out", "mine.yaml", "--force"]) == 0
    assert yaml.safe_load((tmp_path / "mine.yaml").read_text())["rate_hz"] == 25


@pytest.mark.parametrize(("argument", "said"), [("nothing", "no such file"), ("raw/none.csv", "no such file")])
def test_nothing_there(tmp_path, monkeypatch, capsys, argument, said):
    monkeypatch.chdir(tmp_path)
    assert main(["guess", argument]) == 2
    assert said in capsys.readouterr().err

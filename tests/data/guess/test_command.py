"""`har-ray data guess`: a clean descriptor, what it looks like beside it, and no file written over."""

import logging

import pytest
import yaml

from har_ray.data.__main__ import main
from har_ray.data.own.dataset import load_table
from har_ray.data.soundness import checks
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
    assert f"? rate_hz: {question}" in out.splitlines()
    assert err == ""


def test_what_makes_results_wrong_is_said_as_the_plan_says_it_and_beside_the_key_that_mends_it(
    tmp_path, monkeypatch, capsys
):
    plain(tmp_path, (1, 2, 3, 4))
    (tmp_path / "raw" / "p4.csv").rename(tmp_path / "raw" / "p03.csv")
    upside_down = tmp_path / "raw" / "p2.csv"
    header, *rows = [line.split(",") for line in upside_down.read_text().splitlines()]
    turned = [[t, x, f"{-float(y)}", f"{-float(z)}", label] for t, x, y, z, label in rows]
    upside_down.write_text("\n".join(map(",".join, [header, *turned])) + "\n")
    monkeypatch.chdir(tmp_path)
    assert main(["guess", "raw", "--out", "mine.yaml"]) == 0
    out = capsys.readouterr().out.splitlines()
    dataset = load_table("mine", tmp_path / "mine.yaml")
    looked, findings = checks.before_windows(dataset, dataset.presets["all"], ())
    assert [finding.kind for finding in findings] == ["near-equal subjects", "direction"]
    assert out[-3:] == [*(f"  warning: {finding}" for finding in findings), f"  {looked}"]
    written = (tmp_path / "mine.yaml").read_text().splitlines()
    for finding, key in zip(findings, ("subject:", "presets:"), strict=True):
        assert written[written.index(f"# ! {finding}") + 1].startswith(key)


def test_where_nobody_knows_what_people_did_their_files_are_checked_all_the_same(tmp_path, monkeypatch, capsys):
    plain(tmp_path, (1, 2, 3), "t,ax,ay,az", "{t:.2f},{x:.4f},{y:.4f},{z:.4f}")
    monkeypatch.chdir(tmp_path)
    assert main(["guess", "raw"]) == 0
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .startswith("  looked at the first rows of 3 files (3 of 3 subjects); all rows")
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw"]


def test_files_that_the_reader_does_not_take_are_not_checked(tmp_path, monkeypatch, capsys):
    plain(tmp_path, (1, 2))
    path = tmp_path / "raw" / "p1.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *(row for row in rows for _ in (0, 1))]) + "\n")
    monkeypatch.chdir(tmp_path)
    assert main(["guess", "raw"]) == 0
    *_, question, looked = capsys.readouterr().err.splitlines()
    assert question.endswith("with the same values; leave out the copies")
    assert looked == "  what would make results wrong is looked for once the reader takes the files"


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

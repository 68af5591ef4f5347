"""One page of several grids: scores, verdicts, figures, and what was not run."""

import pytest

from analysis.results_page import main
from tests.analysis.conftest import GridStore


def test_it_holds_what_each_grid_found_and_what_was_not_run(grid, tmp_path):
    for variant, score in {"OM": 0.75, "LM": 0.62}.items():
        grid.seeds(variant, score, score + 0.01)
    grid.expect("RB-KD", 0)
    out = tmp_path / "docs" / "results.md"
    out.parent.mkdir()
    assert main([grid.write(), "--out", str(out), "--not-run", "wisdm: no recordings at hand"]) == 0
    text = out.read_text()
    assert "| LM† | 62.5 ± 0.7 |" in text
    assert "LM is the only small model with a completed seed" in text
    assert "**Published claims, each tested in every setting**" in text
    assert "](results/tiny-sensors-wrist-subject-holdout-f1-macs.png)" in text
    assert "![Macro F1 against MACs per window: sensors, wrist, subject-holdout. OM 100.0 %" in text
    assert (tmp_path / "docs" / "results" / "tiny-sensors-wrist-subject-holdout-f1-macs.png").stat().st_size > 10_000
    assert text.endswith(
        "## Not run\n\n- tiny: This grid has ended: 4 of 5 cells of the tables are completed, 1 missing.\n"
        "- wisdm: no recordings at hand\n"
    )


def test_without_results_it_says_so(tmp_path, capsys):
    assert main([str(tmp_path / "nothing"), "--out", str(tmp_path / "page.md")]) == 2
    assert "nothing" in capsys.readouterr().err
    assert not (tmp_path / "page.md").exists()


def test_a_sweep_has_one_table_and_one_figure(grid, tmp_path):
    grid.info["data"] = []
    for rate in (10, 20):
        preset = f"wrist@rate_hz={rate}"
        grid.info["data"].append(grid.data(preset=preset, rate_hz=float(rate), window=2 * rate))
        grid.seeds("LM", 0.5, 0.6, preset=preset)
    path = tmp_path / "docs" / "results.md"
    path.parent.mkdir()
    assert main([grid.write(), "--out", str(path)]) == 0
    text = path.read_text()
    assert "### sensors, wrist, subject-holdout, rate and window" in text
    assert "](results/tiny-sensors-wrist-subject-holdout-sweep.png)" in text
    assert (path.with_suffix("") / "tiny-sensors-wrist-subject-holdout-sweep.png").exists()
    assert "rate_hz=10" not in text


def test_claims_about_variants_that_a_grid_lacks_are_left_out_and_published_models_stand_beside_ours(grid, tmp_path):
    grid.info["data"] = []
    for variant in ("LM", "Forest"):
        for fold in range(10):
            people = [(f"{fold}{who}", k, k) for who in "ab" for k in range(3)]
            grid.completed(variant, 0, 0.5, fold, predictions=people, preset="arena", protocol="subject-kfold")
    path = tmp_path / "results.md"
    assert main([grid.write(), "--out", str(path)]) == 0
    text = path.read_text()
    assert "### sensors, arena, subject-kfold\n" in text
    assert "**Beside WHAR Arena**" in text
    assert "Published claims" not in text


def test_it_begins_with_what_validation_chooses_beside_the_baseline_and_the_large_models(grid, tmp_path):
    for variant, score in {"OM": 0.75, "LM": 0.62, "RB-KD": 0.68}.items():
        grid.seeds(variant, score, score)
    path = tmp_path / "results.md"
    assert main([grid.write(), "--out", str(path)]) == 0
    head = path.read_text().partition("\n## ")[0]
    # everybody of this grid is always right, so that the scores per subject are 100 %
    assert "| tiny | sensors, wrist, subject-holdout | RB-KD | 2 | 1,000 | 100.0 | 100.0 to 100.0 | 2 | 2/2 | " in head
    assert "| OM 100.0, LM 100.0 |" in head


def test_what_two_grids_say_below_their_tables_stands_once_and_what_one_says_stays_with_it(grid, tmp_path):
    grid.seeds("LM", 0.62, 0.62)
    assert main([grid.write(), "--out", str(tmp_path / "one.md")]) == 0
    alone = (tmp_path / "one.md").read_text()
    assert "## How to read the tables" not in alone
    assert alone.count("Mean ± sample standard deviation") == 1
    other = GridStore(tmp_path / "other", grid={"name": "other"})
    other.seeds("LM", 0.62)
    assert main([grid.path, other.write(), "--out", str(tmp_path / "two.md")]) == 0
    text = (tmp_path / "two.md").read_text()
    assert text.count("Mean ± sample standard deviation") == 1
    assert "\n- Mean ± sample standard deviation" in text.partition("## How to read the tables")[2]
    assert text.count("    python -m har_ray.grid grids/tiny.yaml\n") == 2
    # the same setting in both, each with a chart of its own
    assert {path.name for path in (tmp_path / "two").glob("*.png")} == {
        f"{name}-sensors-wrist-subject-holdout-f1-macs.png" for name in ("tiny", "other")
    }


def test_claims_that_cannot_be_tested_are_not_listed(grid, tmp_path):
    people = [(who, k, k) for who in "abcdef" for k in range(3)]
    for variant, score in {"OM": 0.75, "LM": 0.62}.items():
        grid.seeds(variant, score, score, predictions=people)
    path = tmp_path / "results.md"
    assert main([grid.write(), "--out", str(path)]) == 0
    text = path.read_text()
    assert "| The original model (OM) scores above" in text
    assert "Distillation alone" not in text


def test_a_folder_is_no_page(grid, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main([grid.write(), "--out", str(tmp_path)])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"--out {tmp_path}: found a folder; expected a file, e.g. {tmp_path / 'results.md'}" in said

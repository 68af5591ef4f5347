"""A grid in W&B: what its client sends to a server on loopback, and what it writes offline, beside the rows' numbers.

Each command is a process of its own, as the client keeps what it has read of the environment. Nothing leaves the
machine.
"""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.formats import markdown
from analysis.load import load_results
from analysis.page import background
from analysis.report import TABLES, write_report
from analysis.summary import standing, summary
from analysis.tables import results_table
from har_ray.store.results import ResultStore
from tests.analysis.conftest import GridStore
from tests.s3 import s3_server
from tests.wandb_files import logged
from tests.wandb_server import KEY, PROJECT, WandbServer, wandb_server

ROOT = Path(__file__).parents[2]
REPORT_ID = "report-abc123-tiny"
CELLS = {"confirm000", "confirm001", "confirm002", "confirm003"}
CURVE = [1.0, 1 / 2, 1 / 3]
"""Of `train_loss`, as the fixture `grid` leaves it."""


def command(results, *options, server: WandbServer | None = None, home: Path, **environment: str):
    """The command's exit status, standard output and standard error."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    kept |= {"HOME": str(home), "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    called = [sys.executable, "-m", "analysis", "wandb", str(results), "--project", PROJECT, *options]
    done = subprocess.run(
        called, env=kept | (server.environment() if server else {}) | environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def small(folder):
    """Two variants, an exported cell, one that failed, and a row that the present plan does not have any more."""
    store = GridStore(folder)
    store.info["grid"] |= {"train": {"epochs": 3}}
    preset = "wrist@rate_hz=10"
    store.seeds("OM", 0.8, 0.7, preset=preset)
    store.seeds("LM", 0.6, 0.123456789, preset=preset)
    store.export("confirm002", [("4", 0, 1), ("4", 1, 1), ("5", 2, 2)], 4000)
    store.failed("MM", 0, "out of memory", preset=preset)
    store.store.write_row({"cell_id": "superseded", "variant": "LM", "status": "completed", "stage": "confirm"})
    return store.write()


@pytest.fixture(scope="module")
def online(tmp_path_factory):
    """A grid that was sent twice: the server, the path, and what the command said each time."""
    folder = tmp_path_factory.mktemp("online")
    results = small(folder / "tiny")
    with wandb_server() as server:
        said = [command(results, server=server, home=folder) for _ in range(2)]
        yield server, results, said


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    """A grid that was written without a key, and again in the mode `offline`: path, and what was said each time."""
    folder = tmp_path_factory.mktemp("offline")
    results = small(folder / "tiny")
    ResultStore(results).mark_tracked("confirm000", "wandb")
    return results, [command(results, home=folder), command(results, home=folder, WANDB_MODE="offline")]


def uploaded(server, run_id, beginning):
    """Files of a run: what follows the beginning of their names, and the content."""
    start = f"{run_id}/{beginning}"
    return {name.removeprefix(start): found for name, found in server.files.items() if name.startswith(start)}


def report_folder(server):
    """The artifact of the first call: content by file name."""
    first = next(name for name, artifact in server.artifacts.items() if artifact["artifactTypeName"] == "report")
    return uploaded(server, first, "")


def test_it_is_sent_and_the_client_asked_for_nothing_unknown(online):
    server, _, said = online
    assert [(status, errors) for status, _, errors in said] == [(0, ""), (0, "")]
    assert said[0][1].splitlines() == [
        "runs: 4 cells sent, 0 were there",
        f"tables, figures and the report's folder: {server.url}/lab/P/runs/{REPORT_ID}",
        f"Report: {server.url}/lab/P/reports/tiny-(abc123)--V0",
    ]
    assert server.unknown == []


def test_each_completed_cell_of_the_present_plan_is_a_run_with_its_curve_and_row(online):
    server, results, _ = online
    assert server.runs.keys() == CELLS | {REPORT_ID}  # neither the cell that failed nor the superseded one
    run = server.runs["confirm003"]
    assert (run["group"], run["jobType"], run["state"]) == ("tiny", "LM", "finished")
    assert run["config"]["preset"] == "wrist@rate_hz=10"
    assert [step["train_loss"] for step in run["history"]] == CURVE
    assert [step["_step"] for step in run["history"]] == [1, 2, 3]
    summary_sent = json.loads(server.files["confirm003/wandb-summary.json"])
    assert (summary_sent["test_f1_macro"], summary_sent["params"]) == (0.123456789, 1000)
    assert ResultStore(results).tracked("wandb") == CELLS


def test_every_number_of_the_tables_is_that_of_the_csv_files(online):
    server, _, _ = online
    files = report_folder(server)
    sent_first = {
        name: found for name, found in uploaded(server, REPORT_ID, "media/table/tables/").items() if "_0_" in name
    }
    tables = {name.partition("_0_")[0]: json.loads(content) for name, content in sent_first.items()}
    compared = 0
    for name, table in tables.items():
        rows = list(csv.DictReader(io.StringIO(files[f"{name}.csv"].decode())))
        assert len(table["data"]) == len(rows)
        for sent, row in zip(table["data"], rows, strict=True):
            for value, text in zip(sent, [row[column] for column in table["columns"]], strict=True):
                compared += 1
                assert (value is None and text == "") or str(value) == text or float(value) == float(text)
    assert compared > 200
    assert tables.keys() == {
        name.removesuffix(".csv") for name, content in files.items() if name.endswith(".csv") and content
    }
    (row,) = (r for r in csv.DictReader(io.StringIO(files["results.csv"].decode())) if r["variant"] == "LM")
    assert float(row["f1_macro_mean"]) == pytest.approx((0.6 + 0.123456789) / 2)
    assert float(row["int8_f1_macro"]) == pytest.approx((0 + 2 / 3 + 1) / 3)
    assert row["flash_bytes_max"] == "4000"
    assert {"results", "events"} <= tables.keys()


def test_the_artifact_is_the_report_s_folder_and_the_figures_are_its_figures(online, tmp_path):
    server, results, _ = online
    write_report(load_results(results), tmp_path)
    made = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    sent = {name: content for name, content in report_folder(server).items() if name != "wandb_manifest.json"}
    assert sent.keys() == {name for name, content in made.items() if content}
    assert {name: sent[name] for name in sent if not name.startswith("figures/")} == {
        name: made[name] for name in sent if not name.startswith("figures/")
    }
    figures = set(uploaded(server, REPORT_ID, "media/images/figures/").values())
    assert figures == {content for name, content in sent.items() if name.endswith(".png")}


def blocks(spec, kind):
    return [block for block in spec["blocks"] if block["type"] == kind]


def test_the_report_has_the_sentences_and_the_tables_of_the_page(online):
    server, results, _ = online
    loaded = load_results(results)
    spec = json.loads(server.views["V0"]["spec"])
    (setting,) = loaded.settings()
    tables = [table for make in TABLES.values() if (table := make(loaded, setting)) is not None]
    tables += [table for section in background(loaded) for table in section.tables]
    shown = [block["content"] for block in blocks(spec, "markdown-block")]
    assert shown[: len(tables)] == [markdown(table) for table in tables]
    said = [block["children"][0]["text"] for block in blocks(spec, "paragraph")]
    assert [text for text in said if text] == [*summary(loaded), standing(loaded)]
    assert "- grid hash: `abc123`" in shown[-1]
    headings = [block["children"][0]["text"] for block in blocks(spec, "heading")]
    assert headings == [setting.title, "Figures", *(section.title for section in background(loaded)), "How it was made"]


def test_its_panels_show_the_runs_of_the_setting_and_the_figures_of_the_report_s_run(online):
    server, _, _ = online
    spec = json.loads(server.views["V0"]["spec"])
    runs, figures = (block["metadata"] for block in blocks(spec, "panel-grid"))

    def wanted(panels):
        return {one["key"]["name"]: one["value"] for one in panels["runSets"][0]["filters"]["filters"]}

    setting = {"dataset": "sensors", "preset": "wrist@rate_hz=10", "protocol": "subject-holdout"}
    assert wanted(runs) == {"group": "tiny", **setting}
    assert wanted(figures) == {"group": "tiny", "jobType": "report"}
    (browser,) = figures["panelBankSectionConfig"]["panels"]
    logged_keys = {key for key in server.runs[REPORT_ID]["history"][0] if key.startswith("figures/")}
    assert set(browser["config"]["mediaKeys"]) == logged_keys
    slug = "figures/sensors-wrist-rate-hz-10-subject-holdout"
    assert {f"{slug}-f1-macs", f"{slug}-confusion", f"{slug}-curves"} <= logged_keys


def test_sent_again_the_runs_are_left_and_the_report_is_renewed(online):
    server, _, said = online
    assert said[1][1].splitlines()[0] == "runs: 0 cells sent, 4 were there"
    assert said[1][1].splitlines()[1:] == said[0][1].splitlines()[1:]
    assert list(server.views) == ["V0"]
    assert len(server.runs[REPORT_ID]["history"]) == 2


def test_offline_it_says_what_was_written_what_was_not_and_how_to_send_it(offline):
    results, said = offline
    home = f"{results}/wandb"
    lines = [
        f"W&B is offline (no key): nothing was sent, all of it is in {home}",
        "  runs: 3 cells logged, 1 were before",
        f"  tables, figures and the report's folder: the run {REPORT_ID}",
        f"  the Report, which only a server can make: {REPORT_ID}.json, to read {REPORT_ID}.md",
        "To send all of it: `wandb login`, then the same command without WANDB_MODE.",
        f"To send the runs alone: wandb sync --project P {home}/offline-run-*",
    ]
    assert said[0] == (0, "\n".join(lines) + "\n", "")
    status, text, errors = said[1]
    assert (status, errors) == (0, "")
    assert text.splitlines()[:2] == [lines[0].replace("no key", "WANDB_MODE"), "  runs: 0 cells logged, 4 were before"]


def test_offline_runs_hold_the_curves_and_the_tables_and_a_second_call_adds_none(offline):
    results, _ = offline
    folders = [path for path in Path(results, "wandb").iterdir() if path.name.startswith("offline-run-")]
    runs = {found["id"]: found | {"folder": folder} for folder in folders if (found := logged(folder))}
    assert runs.keys() == CELLS - {"confirm000"} | {REPORT_ID}
    assert len(folders) == 4
    run = runs["confirm003"]
    assert (run["group"], run["job_type"], run["project"]) == ("tiny", "LM", "P")
    assert [step["train_loss"] for step in run["history"]] == CURVE
    (step,) = runs[REPORT_ID]["history"]
    table = json.loads((runs[REPORT_ID]["folder"] / "files" / step["tables/results"]["path"]).read_text())
    by_variant = {row[table["columns"].index("variant")]: row for row in table["data"]}
    at = table["columns"].index("f1_macro_mean")
    assert by_variant["LM"][at] == pytest.approx((0.6 + 0.123456789) / 2)
    artifact = runs[REPORT_ID]["artifact"]
    assert (artifact["name"], artifact["type"]) == ("report-tiny", "report")
    staged = artifact["files"]["report.html"]
    assert staged.is_relative_to(Path(results, "wandb"))
    assert "<h1>tiny</h1>" in staged.read_text()
    assert all(path.is_file() for path in artifact["files"].values())
    assert len(list(staged.parent.iterdir())) < 2 * len(artifact["files"])  # those of the first call are gone


def test_offline_the_report_lies_beside_them_as_json_and_to_read(offline):
    results, _ = offline
    loaded = load_results(results)
    spec = json.loads(Path(results, "wandb", f"{REPORT_ID}.json").read_text())
    (setting,) = loaded.settings()
    table = markdown(results_table(loaded, setting))
    assert table in [block["content"] for block in blocks(spec, "markdown-block")]
    text = Path(results, "wandb", f"{REPORT_ID}.md").read_text()
    assert text.startswith("# tiny (abc123)\n")
    assert table in text
    assert summary(loaded)[0] in text


def test_offline_files_lie_with_the_results_on_an_object_store_too(tmp_path):
    with s3_server() as server:
        results = small(server.uri("tiny"))
        status, said, errors = command(results, home=tmp_path)
        stored = ResultStore(results).root.names("wandb")
    assert (status, errors) == (0, "")
    assert {name.rpartition("-confirm")[2] for name in stored if "confirm" in name} == {"000", "001", "002", "003"}
    assert {f"{REPORT_ID}.json", f"{REPORT_ID}.md"} <= set(stored)
    assert "wandb sync" not in said  # there is no folder that it could be given


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        ((), {"WANDB_API_KEY": "short"}, "WANDB_API_KEY invalid: API key must have 40+ characters, has 5."),
        (("--entity", "nobody"), {}, "entity nobody not found during upsertBucket"),
    ],
)
def test_what_the_server_or_the_client_refuses_ends_in_a_line_and_2(tmp_path, options, environment, message):
    results = small(tmp_path / "tiny")
    with wandb_server() as server:
        status, said, errors = command(results, *options, server=server, home=tmp_path, **environment)
    assert (status, said, errors) == (2, "", f"error: W&B, project P: {message}\n")


def test_a_server_that_is_away_ends_in_a_line_and_2(tmp_path):
    results = small(tmp_path / "tiny")
    with wandb_server() as server:
        pass
    status, said, errors = command(results, server=server, home=tmp_path, WANDB_HTTP_TIMEOUT="2")
    assert (status, said, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"error: W&B, project P: Failed to verify credentials with {server.url}")
    assert KEY not in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["wandb"], "wandb: expected wandb RESULTS --project P [--entity E]; a folder of that name is ./wandb"),
        (["wandb", "x"], "wandb: expected wandb RESULTS --project P"),
        (["wandb", "x", "y", "--project", "P"], "wandb: expected wandb RESULTS --project P"),
        (["wandb", "x", "--project", "P", "--out", "y"], "wandb: expected wandb RESULTS --project P"),
        (["x", "--project", "P"], "--project, --entity: go with the word wandb before RESULTS"),
    ],
)
def test_options_that_do_not_go_together_end_in_a_line_and_2(arguments, message, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message}")
    assert said.count("\n") == 1


def test_a_folder_of_the_name_wandb_is_reported_by_its_path(tmp_path, monkeypatch, capsys):
    GridStore(tmp_path / "wandb").write()
    monkeypatch.chdir(tmp_path)
    assert main(["./wandb", "--out", "out"]) == 0
    assert capsys.readouterr().out == "report: out/report.html\n"

"""What the interactive chart shows of a model is what the tables say."""

import base64
import gzip
import json

import pytest
from scipy.stats import t

from analysis.chart import chart
from analysis.inline import as_script, chart_library, compressed, data_uri
from analysis.page import grid_page
from tests.analysis.test_student import fill


def drawn(grid):
    results = grid.load()
    return json.loads(json.dumps(chart(results, results.settings()[0])))


def test_a_model_has_its_numbers_on_each_axis_and_unknown_ones_are_left_out(grid):
    grid.seeds("LM", 0.6, 0.7, row={"params": 1_963, "macs": 20_000, "bytes": 7_852, "flops_published": None})
    grid.seeds("trees", 0.5, row={"params": None, "macs": None, "bytes": 50_000, "flops_published": None})
    grid.expect("MM", 0)
    found = drawn(grid)
    assert {name: axis["title"] for name, axis in found["x"].items()} == {
        "macs": "MACs per window", "params": "parameters", "bytes": "bytes",
        "latency_ms": "latency of one window (ms), cpu",
    }  # fmt: skip
    assert next(iter(found["x"])) == "macs"  # what the chart begins with
    small, trees = found["models"]
    assert (small["variant"], trees["variant"]) == ("LM", "trees")
    assert small["costs"] == {"macs": 20_000, "params": 1_963, "bytes": 7_852, "latency_ms": 0.5}
    assert trees["costs"] == {"bytes": 50_000, "latency_ms": 0.5}
    assert (small["params"], trees["params"]) == (1_963, None)
    assert small["scores"]["f1_macro"] == pytest.approx([65, 65 - 50**0.5, 65 + 50**0.5])  # the sd of 60 and 70
    assert trees["scores"]["f1_macro"] == [50, None, None]
    assert found["y"]["accuracy"] == "test accuracy (%); bar: ± sd over seeds"


def test_the_score_per_subject_has_its_interval(grid):
    fill(grid, LM=(0.5, [7, 8, 9, 8, 7]))
    scores = [200 * right / (10 + right) for right in (7, 8, 9, 8, 7)]
    middle = sum(scores) / 5
    error = (sum((score - middle) ** 2 for score in scores) / 4 / 5) ** 0.5
    half = t.ppf(0.975, 4) * error
    (model,) = drawn(grid)["models"]
    assert model["scores"]["subject_f1"] == pytest.approx([middle, middle - half, middle + half])
    assert model["details"]["per subject (%)"] == (
        f"{middle:.1f} (95 % interval {middle - half:.1f} to {middle + half:.1f})"
    )


def test_latencies_of_several_devices_share_no_axis_but_are_told(grid):
    grid.completed("LM", 0, 0.6)
    grid.completed("MM", 0, 0.7, row={"latency_device": "a watch"})
    found = drawn(grid)
    assert "latency_ms" not in found["x"]
    assert [model["details"]["latency (ms)"] for model in found["models"]] == ["0.50 (a watch)", "0.50 (cpu)"]


def test_a_setting_without_a_complete_seed_has_no_chart_and_the_page_carries_no_library(grid):
    grid.failed("LM", 0, "out of memory")
    results = grid.load()
    assert chart(results, results.settings()[0]) is None
    assert "vegaEmbed" not in grid_page(results, [])


def test_nothing_that_the_page_carries_can_close_its_script():
    harmful = "const text = '</script><!-- <SCRIPT>';"
    assert as_script(harmful) == r"const text = '\x3C/script>\x3C!-- \x3CSCRIPT>';"
    assert as_script("a < b && c </ d") == "a < b && c </ d"
    assert "</script" not in chart_library().lower()
    assert "window.vegaEmbed=" in chart_library()


def test_a_figure_is_compressed_to_the_same_bytes_every_time():
    content = b"<svg>" + b"<path/>" * 1000 + b"</svg>"
    kind, packed = compressed(data_uri(content, "image/svg+xml"))
    assert (kind, gzip.decompress(base64.b64decode(packed))) == ("image/svg+xml", content)
    assert compressed(data_uri(content, "image/svg+xml")) == (kind, packed)
    assert len(packed) < len(content) / 8

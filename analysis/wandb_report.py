"""The W&B Report of a grid: the sections of the page, with panels of W&B's own over the grid's runs.

Made with `wandb-workspaces`, https://docs.wandb.ai/guides/reports. Its runs are those of the project that the report
is in, so that making it needs no server; only saving it does.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import yaml
from wandb_workspaces.reports import v2 as reports

from analysis.facts import facts
from analysis.formats import TextTable, markdown
from analysis.load import Results
from analysis.page import Section, background
from analysis.summary import standing, summary
from har_ray.groups import Setting

JOB_TYPE = "report"
"""Of the run that holds tables, figures and the page."""
LONGEST_NAME = 100
"""A Report's title has 128 characters at most."""


def make_report(
    results: Results, sections: Sequence[Section], figures: Sequence[str], project: str, entity: str | None
) -> Any:
    """The Report, not saved yet.

    Args:
        figures: the keys under which the run of job type `report` has logged its figures.
    """
    blocks = list(_blocks(results, sections, figures))
    return reports.Report(project=project, entity=entity or "", title=title(results), blocks=blocks, width="fixed")


def title(results: Results) -> str:
    """By which a Report is found again; the hash tells grids of one name apart."""
    return f"{results.name[:LONGEST_NAME]} ({results.provenance['grid_hash']})"


def spec(report: Any) -> str:
    """What `save` would send of a Report, as JSON."""
    # The client has no public way to it.
    text: str = report._to_model().spec.model_dump_json(by_alias=True, exclude_none=True, indent=1)
    return text


def readable(report: Any) -> str:
    """A Report as Markdown, its panels left out."""
    return "\n\n".join([f"# {report.title}", *filter(None, map(_markdown, report.blocks))]) + "\n"


def _markdown(block: Any) -> str:
    match block:
        case reports.H1():
            return f"## {block.text}"
        case reports.CodeBlock():
            return f"```{block.language}\n{block.code}```"
        case reports.P() | reports.MarkdownBlock():
            return str(block.text)
    return ""


def _blocks(results: Results, sections: Sequence[Section], figures: Sequence[str]) -> Iterator[Any]:
    yield reports.TableOfContents()
    yield from map(reports.P, [*summary(results), *filter(None, [standing(results)])])
    settings = {setting.slug: setting for setting in results.settings()}
    for section in sections:
        yield reports.H1(section.title)
        yield from map(_table, section.tables)
        if section.slug in settings:
            yield _runs(results, settings[section.slug])
    if figures:
        yield from (reports.H1("Figures"), _figures(results, figures))
    for section in background(results):
        yield from chain([reports.H1(section.title)], map(_table, section.tables))
    yield reports.H1("How it was made")
    yield reports.MarkdownBlock("\n".join(f"- {name}: `{text}`" for name, text in facts(results.info).items()))
    grid = results.info.get("grid") or {}
    yield reports.CodeBlock(yaml.safe_dump(grid, sort_keys=False, allow_unicode=True), language="yaml")


def _table(table: TextTable) -> Any:
    return reports.MarkdownBlock(markdown(table))


def _runs(results: Results, setting: Setting) -> Any:
    """The runs of a setting, one for each cell, with its learning curves and its score against cost."""
    own = _filter(Metric={"Group": results.name}, Config=setting._asdict())
    runs = reports.Runset(name=setting.title, filters=own, groupby=["config.variant"])
    curves = reports.LinePlot(title="Learning curves, mean of a variant's cells", x="Step", y=[results.monitor])
    cost = reports.ScatterPlot(
        title="Each cell: test macro F1 against MACs",
        x=reports.SummaryMetric("macs"),
        y=reports.SummaryMetric("test_f1_macro"),
        log_x=True,
    )
    return reports.PanelGrid(runsets=[runs], panels=[curves, cost])


def _figures(results: Results, figures: Sequence[str]) -> Any:
    runs = reports.Runset(name="figures", filters=_filter(Metric={"Group": results.name, "JobType": JOB_TYPE}))
    shown = reports.MediaBrowser(media_keys=list(figures), num_columns=1, layout=reports.Layout(w=24, h=24))
    return reports.PanelGrid(runsets=[runs], panels=[shown])


def _filter(**sections: dict[str, str]) -> str:
    """An expression that holds for the runs with all of these values.

    The client rewrites comparison signs wherever they stand, also within a value, unless they are escaped.
    """
    parts = [(section, name, value) for section, values in sections.items() for name, value in values.items()]
    return " and ".join(f"{section}({name!r}) == {_escaped(value)}" for section, name, value in parts)


def _escaped(value: str) -> str:
    return re.sub("[=<>]", lambda sign: f"\\x{ord(sign[0]):02x}", repr(value))

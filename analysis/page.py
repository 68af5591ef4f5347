"""The report's page: one HTML file that needs no server and no network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.budget import budget_form
from analysis.effort import effort_table
from analysis.facts import facts, grid_said
from analysis.formats import TextTable
from analysis.inline import FIGURES_AS_THEY_ARE, chart_library, compressed
from analysis.load import Results
from analysis.pictures import Picture
from analysis.protocols import protocols
from analysis.search import winners_table
from analysis.summary import QUESTION, progress, standing, summary
from analysis.tables import failures_table, split_tables
from analysis.takeaways import takeaways_table
from har_ray.store.results import now
from har_ray.variants import in_order

PAGE = "report.html"
"""The file's name."""


@dataclass(frozen=True)
class Section:
    """What the page shows for one setting, or of those of a sweep.

    Attributes:
        lead: what was found, in sentences.
        chart: what `analysis.chart` makes; None where there is nothing to draw.
    """

    title: str
    slug: str
    tables: list[TextTable]
    pictures: list[Picture]
    lead: str = ""
    chart: dict[str, Any] | None = None


def grid_page(results: Results, sections: Sequence[Section]) -> str:
    """The page of one grid, finished or not."""
    grid = results.info.get("grid") or {}
    return page(
        name=results.name,
        question=QUESTION,
        summary=summary(results),
        standing=standing(results),
        progress=progress(results),
        made_at="" if results.ended else now(),  # of a grid that has ended, the same results are the same page
        budget=budget_form(results),
        variants=in_order(cell.key.variant for cell in results.cells),
        sections=sections,
        own={
            "background": background(results),
            "protocols": protocols(results),
            "failed": len(failures_table(results).rows),
            "facts": facts(results.info),
            "grid": yaml.safe_dump(grid_said(grid), sort_keys=False, allow_unicode=True),
        },
        made_by=results.made_by,
    )


def background(results: Results) -> list[Section]:
    """What is not of one setting alone; where there is but one, no table has a column that names it in every row."""
    sections = [
        Section("Claims, tested", "takeaways", [takeaways_table(results)], []),
        Section("What the search chose", "search", [winners_table(results)], []),
        Section("Data and splits", "data", split_tables(results), []),
        Section("Failed cells", "failures", [failures_table(results)], []),
        Section("What it took", "effort", [effort_table(results)], []),
    ]
    if len(results.settings()) > 1:
        return sections
    return [replace(section, tables=[table.without("setting") for table in section.tables]) for section in sections]


def write_page(folder: Path, text: str) -> None:
    """Who reloads the page never sees half of it."""
    begun = folder / f"{PAGE}.part"
    begun.write_text(text, encoding="utf-8")
    begun.replace(folder / PAGE)


def page(sections: Sequence[Section], **shown: Any) -> str:
    """The page of these sections, and of what else the template names."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["compressed"] = compressed
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # what is listed keeps its order
    return environment.get_template("report.html").render(
        sections=sections,
        are_compressed=sum(len(one.uri) for section in sections for one in section.pictures) > FIGURES_AS_THEY_ARE,
        chart_library=chart_library() if any(section.chart for section in sections) else "",
        **shown,
    )

"""The report: one HTML page that needs no server and no network, and beside it every table and figure as a file.

report.html
results.csv, student.csv, statistics.csv, relative.csv, classes.csv, subjects.csv, takeaways.csv, sweep.csv
                                                raw numbers, all settings
tables/<setting>.md, .tex                       the tables of one dataset, preset and protocol
figures/<setting>-<figure>.png, .svg
tables/<setting>-sweep.md, .tex, figures/<setting>-sweep.png, .svg      where rate or window were axes of the grid
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib.figure import Figure

from analysis.arena import arena_table
from analysis.chart import chart
from analysis.details import class_table, classes_csv, subject_table, subjects_csv
from analysis.figures.bubble import bubble_chart
from analysis.figures.confusion import confusion_matrices
from analysis.figures.curves import learning_curves
from analysis.figures.sweep import sweep_figure
from analysis.formats import TextTable, latex, markdown
from analysis.inline import data_uri
from analysis.load import Results
from analysis.page import PAGE, Picture, Section, grid_page
from analysis.relative import published_table, relative_csv, relative_table
from analysis.search import winners_table
from analysis.statistics import statistics_csv, statistics_table
from analysis.student import sentences, student_csv, student_table
from analysis.sweep import Sweep, sentence, sweep_csv, sweep_table, sweeps
from analysis.tables import failures_table, results_csv, results_table, split_tables
from analysis.takeaways import takeaways_csv, takeaways_table
from har_ray.figures import save, style
from har_ray.groups import Setting
from har_ray.store.results import ResultStore

TABLES: dict[str, Callable[[Results, Setting], TextTable | None]] = {
    "": results_table,
    "-arena": arena_table,
    "-student": student_table,
    "-statistics": statistics_table,
    "-relative": relative_table,
    "-published": published_table,
    "-classes": class_table,
    "-subjects": subject_table,
}
"""What a setting's files and its section of the page show, by what is added to the setting's label in LaTeX. A
setting of which a table says nothing has None."""
FIGURES: dict[str, tuple[str, Callable[[Results, Setting], Figure]]] = {
    "f1-flops": ("Macro F1 against the published FLOPs", lambda r, s: bubble_chart(r, s, "flops_published")),
    "f1-macs": ("Macro F1 against MACs", lambda r, s: bubble_chart(r, s, "macs")),
    "curves": ("Learning curves", learning_curves),
    "confusion": ("Confusion matrices", confusion_matrices),
}


def write_report(results: Results, out: Path | None = None) -> str:
    """Write the report of a grid, finished or not; returns where its page is.

    Args:
        out: The folder to write into; by default `report` in the results, wherever they are.

    Raises:
        StorageError: it cannot be written to the results.
    """
    store = ResultStore(results.path)
    if out is not None:
        write_files(results, out)
        return str(out / PAGE)
    with TemporaryDirectory(prefix="har-ray-report-") as folder:
        write_files(results, Path(folder))
        store.keep(Path(folder), "report")
        return str(store.root.child("report", PAGE))


def write_files(results: Results, folder: Path) -> list[Section]:
    """Write the page, and every table and figure; returns what the page shows of each setting."""
    for name in ("tables", "figures"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    texts = {
        "results.csv": results_csv(results),
        "student.csv": student_csv(results),
        "statistics.csv": statistics_csv(results),
        "relative.csv": relative_csv(results),
        "classes.csv": classes_csv(results),
        "subjects.csv": subjects_csv(results),
        "takeaways.csv": takeaways_csv(results),
    }
    if swept := sweeps(results):
        texts["sweep.csv"] = sweep_csv(results)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    sections = [_swept(results, sweep, folder) for sweep in swept]
    sections += [_section(results, setting, folder) for setting in results.settings()]
    page, begun = folder / PAGE, folder / f"{PAGE}.part"
    begun.write_text(grid_page(results, sections), "utf-8")
    begun.replace(page)  # who reloads the page never sees half of it
    return sections


def _section(results: Results, setting: Setting, folder: Path) -> Section:
    found = {name: table_of(results, setting) for name, table_of in TABLES.items()}
    made = {name: table for name, table in found.items() if table is not None}
    write_tables(made, folder / "tables", setting.slug)
    pictures = [
        _picture(f"{title}: {setting.title}", partial(draw, results, setting),
                 folder / "figures" / f"{setting.slug}-{name}", results.made_by)
        for name, (title, draw) in FIGURES.items()
    ]  # fmt: skip
    lead = sentences(results, setting).removeprefix(f"{setting.title}: ")
    return Section(setting.title, setting.slug, list(made.values()), pictures, lead, chart(results, setting))


def _swept(results: Results, sweep: Sweep, folder: Path) -> Section:
    title, slug, table = f"Rate and window: {sweep.title}", f"{sweep.slug}-sweep", sweep_table(results, sweep)
    write_tables({"": table}, folder / "tables", slug)
    picture = _picture(title, partial(sweep_figure, sweep), folder / "figures" / slug, results.made_by)
    return Section(title, slug, [table], [picture], sentence(sweep))


def write_tables(made: Mapping[str, TextTable], folder: Path, slug: str) -> None:
    """Tables by what is added to the label in LaTeX, in a file of each format."""
    (folder / f"{slug}.md").write_text("\n".join(map(markdown, made.values())), encoding="utf-8")
    labelled = "\n".join(latex(table, f"{slug}{name}") for name, table in made.items())
    (folder / f"{slug}.tex").write_text(labelled, encoding="utf-8")


def _picture(title: str, draw: Callable[[], Figure], stem: Path, made_by: str) -> Picture:
    """Draw and write a figure, for the page too."""
    with style():
        svg = save(draw(), stem, made_by)
    return Picture(title, data_uri(svg.read_bytes(), "image/svg+xml"))


def background(results: Results) -> dict[str, list[TextTable]]:
    """What is not of one setting alone, by its heading."""
    return {
        "Claims, tested": [takeaways_table(results)],
        "What the search chose": [winners_table(results)],
        "Data and splits": split_tables(results),
        "Failed cells": [failures_table(results)],
    }

"""The report: one HTML page that needs no server and no network, and beside it every table and figure as a file.

report.html
results.csv, student.csv, statistics.csv, relative.csv, classes.csv, confusions.csv, subjects.csv, events.csv,
takeaways.csv, effort.csv, sweep.csv            raw numbers, all settings
tables/<setting>.md, .tex                       the tables of one dataset, preset and protocol
figures/<setting>-<figure>.png, .svg, .pdf      those that have something to show
figures/timeline.png, .svg, .pdf                of the whole grid
tables/<setting>-sweep.md, .tex, figures/<setting>-sweep.png, .svg, .pdf    where rate or window were axes of the grid
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from analysis.arena import arena_table
from analysis.chart import chart
from analysis.confusions import confusions_csv
from analysis.details import class_table, classes_csv, subject_table, subjects_csv
from analysis.effort import effort_csv
from analysis.event_table import event_table, events_csv
from analysis.figures.attention import attention_maps
from analysis.figures.baselines import baseline_bars
from analysis.figures.bubble import bubble_chart
from analysis.figures.candidates import search_front
from analysis.figures.confusion import confusion_matrices
from analysis.figures.curves import learning_curves
from analysis.figures.heat import heat_maps
from analysis.figures.ranks import critical_differences
from analysis.figures.recognition import change_in_recognition
from analysis.figures.resources import change_in_resources
from analysis.figures.sizes import model_sizes
from analysis.figures.subjects import subject_strips
from analysis.figures.sweep import sweep_figure
from analysis.figures.timeline import run_timeline
from analysis.formats import TextTable, latex, markdown
from analysis.load import Results
from analysis.on_the_watch import on_the_watch
from analysis.page import PAGE, Section, grid_page, write_page
from analysis.pictures import Task, picture, within
from analysis.relative import published_table, relative_csv, relative_table
from analysis.statistics import statistics_csv, statistics_table
from analysis.student import sentences, student_csv, student_table
from analysis.sweep import Sweep, sentence, sweep_csv, sweep_table, sweeps
from analysis.tables import results_csv, results_table
from analysis.takeaways import takeaways_csv
from har_ray.groups import Setting
from har_ray.store.results import ResultStore
from har_ray.temporary import TemporaryFolder

TABLES: dict[str, Callable[[Results, Setting], TextTable | None]] = {
    "": results_table,
    "-arena": arena_table,
    "-student": student_table,
    "-on-the-watch": on_the_watch,
    "-statistics": statistics_table,
    "-relative": relative_table,
    "-published": published_table,
    "-classes": class_table,
    "-subjects": subject_table,
    "-events": event_table,
}
"""What a setting's files and its section of the page show, by what is added to the setting's label in LaTeX. A
setting of which a table says nothing has None."""
FIGURES: dict[str, tuple[str, Callable[..., Figure | None]]] = {
    "f1-macs": ("Macro F1 against MACs", partial(bubble_chart, cost="macs")),
    "recognition": ("Change in recognition", change_in_recognition),
    "resources": ("Change in resources", change_in_resources),
    "confusion": ("Confusion matrices", confusion_matrices),
    "subjects": ("Test subjects", subject_strips),
    "curves": ("Learning curves", learning_curves),
    "f1-flops": ("Macro F1 against the published FLOPs", partial(bubble_chart, cost="flops_published")),
    "f1-bytes": ("Macro F1 against bytes", partial(bubble_chart, cost="bytes")),
    "f1-latency": ("Macro F1 against latency", partial(bubble_chart, cost="latency_ms")),
    "f1-flash": ("Macro F1 against flash", partial(bubble_chart, cost="flash_bytes")),
    "baselines": ("Baselines", baseline_bars),
    "sizes": ("Model sizes", model_sizes),
    "ranks": ("Mean ranks", critical_differences),
    "candidates": ("Candidates of the search", search_front),
    "attention": ("Attention", attention_maps),
    "heat": ("Temperature and α", heat_maps),
}
"""A setting's figures by what is added to the names of its files, in the order in which the page has room for them. One
of which a setting has nothing to show is None."""
IN_SWEEPS = ("f1-macs", "confusion", "subjects")
"""Of settings that differ in rate or window alone, which share a figure."""


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
    with TemporaryFolder("report") as folder:
        write_files(results, folder)
        store.keep(folder, "report")
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
        "confusions.csv": confusions_csv(results),
        "subjects.csv": subjects_csv(results),
        "events.csv": events_csv(results),
        "takeaways.csv": takeaways_csv(results),
        "effort.csv": effort_csv(results),
    }
    if sweeps(results):
        texts["sweep.csv"] = sweep_csv(results)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    sections = _sections(results, folder)
    write_page(folder, grid_page(results, sections))
    return sections


def _sections(results: Results, folder: Path) -> list[Section]:
    """Sweeps, settings, and the run as a whole, with all their tables and figures written."""
    planned = [_of_sweep(results, sweep, folder) for sweep in sweeps(results)]
    swept = {point.result.setting for sweep in sweeps(results) for point in sweep.points}
    for setting in results.settings():
        planned.append(_of_setting(results, setting, folder, IN_SWEEPS if setting in swept else list(FIGURES)))
    timeline = Task("Timeline of the run", run_timeline, folder / "figures" / "timeline")
    planned.append((Section("The run", "run", [], []), [timeline]))
    drawn = [[made for task in tasks if (made := picture(results, task)) is not None] for _, tasks in planned]
    sections = [replace(section, pictures=kept) for (section, _), kept in zip(planned, within(drawn), strict=True)]
    return [section for section in sections if section.tables or section.pictures]


def _of_sweep(results: Results, sweep: Sweep, folder: Path) -> tuple[Section, list[Task]]:
    title, slug, table = f"Rate and window: {sweep.title}", f"{sweep.slug}-sweep", sweep_table(results, sweep)
    write_tables({"": table}, folder / "tables", slug)
    task = Task(title, partial(sweep_figure, slug=sweep.slug), folder / "figures" / slug)
    return Section(title, slug, [table], [], sentence(sweep)), [task]


def _of_setting(results: Results, setting: Setting, folder: Path, figures: Sequence[str]) -> tuple[Section, list[Task]]:
    found = {name: table_of(results, setting) for name, table_of in TABLES.items()}
    made = {name: table for name, table in found.items() if table is not None}
    write_tables(made, folder / "tables", setting.slug)
    tasks = [
        Task(f"{title}: {setting.title}", partial(draw, setting=setting), folder / "figures" / f"{setting.slug}-{name}")
        for name, (title, draw) in FIGURES.items()
        if name in figures
    ]
    lead = sentences(results, setting).removeprefix(f"{setting.title}: ")
    section = Section(setting.title, setting.slug, list(made.values()), [], lead, chart(results, setting))
    return section, tasks


def write_tables(made: Mapping[str, TextTable], folder: Path, slug: str) -> None:
    """Tables by what is added to the label in LaTeX, in a file of each format."""
    (folder / f"{slug}.md").write_text("\n".join(map(markdown, made.values())), encoding="utf-8")
    labelled = "\n".join(latex(table, f"{slug}{name}") for name, table in made.items())
    (folder / f"{slug}.tex").write_text(labelled, encoding="utf-8")

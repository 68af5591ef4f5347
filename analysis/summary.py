"""What the grid found and how far it is, in sentences."""

from analysis.load import Results
from analysis.student import sentences
from analysis.sweep import sentence, sweeps


def summary(results: Results) -> list[str]:
    """The cheapest rate and window of those that were swept; for each setting the student that validation data choose,
    and what it scores on test data."""
    said = [*map(sentence, sweeps(results)), *(sentences(results, setting) for setting in results.settings())]
    return said or ["The grid expects no cell yet."]


def standing(results: Results) -> str:
    """How far the grid is; empty when every expected cell is completed."""
    total, completed = len(results.cells), results.count("completed")
    if completed == total:
        return ""
    others = [f"{count} {state}" for state in ("failed", "stopped", "missing") if (count := results.count(state))]
    lead = "This grid has ended" if results.info.get("finished_at") else "This grid has not ended yet"
    return f"{lead}: {completed} of {total} cells of the tables are completed, {', '.join(others)}."

"""What the grid found and how far it is, in sentences."""

from analysis.load import Results
from analysis.student import sentences


def summary(results: Results) -> list[str]:
    """For each setting the student that validation data choose, and what it scores on test data."""
    return [sentences(results, setting) for setting in results.settings()] or ["The grid expects no cell yet."]


def standing(results: Results) -> str:
    """How far the grid is; empty when every expected cell is completed."""
    total, completed = len(results.cells), results.count("completed")
    if completed == total:
        return ""
    others = [f"{count} {state}" for state in ("failed", "stopped", "missing") if (count := results.count(state))]
    lead = "This grid has ended" if results.info.get("finished_at") else "This grid has not ended yet"
    return f"{lead}: {completed} of {total} cells of the tables are completed, {', '.join(others)}."

"""What the search chose, from how many candidates and at what cost, and what cutting the others was worth."""

from collections.abc import Iterator
from statistics import mean

from scipy.stats import spearmanr

from analysis.formats import TextTable, number, percent, plain
from analysis.load import Results
from analysis.tables import attention, named
from har_ray.groups import Group, Setting
from har_ray.models.config import AttentionConfig
from har_ray.store.results import Row

HEADINGS = {"temperature": "T", "alpha": "α", "beta": "β", "attention_loss": "attention loss"}
"""Of hyper-parameters, where it is not their name."""
UNEQUAL = 1.2
"""Searches that differ by more than this ratio are said to."""
FEWEST_TO_RANK = 3
"""Candidates of a group that a rank correlation takes."""


def winners_table(results: Results) -> TextTable:
    """What the search chose on validation data, per fold and variant."""
    keys = dict.fromkeys(key for winner in results.winners for key in winner["hyper"])
    monitor = next((winner["monitor"] for winner in results.winners), results.monitor)
    own = [key for key in keys if key.removeprefix("attention_") not in AttentionConfig.model_fields]
    headings = [HEADINGS.get(key, key) for key in own]
    counts = ("candidates", "epochs", "stopped", "failed")
    columns = ["setting", "fold", "variant", *headings, "attention", results.title_of(monitor), "candidates", "epochs",
               "cut", "failed"]  # fmt: skip
    rows = [
        plain(
            *named(Group.of(winner)),
            *(number(winner["hyper"].get(key)) for key in own),
            attention(winner["hyper"]),
            percent(winner.get("val_score")),
            *(number(winner.get(name)) for name in counts),
        )
        for winner in results.winners
    ]
    align = "lrl" + "r" * len(own) + "lrrrrr"
    title = "Chosen on validation data, per fold and variant"
    notes = [*unequal(results.winners), *audit(results.winners)]
    return TextTable(title, columns, align, rows, notes, results.made_by)


def unequal(winners: list[Row]) -> Iterator[str]:
    """Where variants of a setting had more candidates or epochs than others: more chances to be lucky."""
    settings: dict[Setting, dict[str, list[Row]]] = {}
    for winner in winners:
        group = Group.of(winner)
        settings.setdefault(group.setting, {}).setdefault(group.variant, []).append(winner)
    for setting, variants in settings.items():
        for what in ("candidates", "epochs"):
            counts = {name: mean(one.get(what) or 0 for one in ones) for name, ones in variants.items()}
            if min(counts.values()) and max(counts.values()) > UNEQUAL * min(counts.values()):
                shown = ", ".join(f"{name} {count:.0f}" for name, count in counts.items())
                yield (
                    f"{setting.title}: the searches differ by more than a fifth in {what} per fold ({shown}); a "
                    "variant with more had more chances to be lucky."
                )


def audit(winners: list[Row]) -> Iterator[str]:
    """How often a candidate that was cut ended above all that were not, and how well the first rung told the end."""
    cut = [winner for winner in winners if winner.get("rungs")]
    if not cut:
        return
    audited = better = 0
    for winner in cut:
        survivors = [one["at_last"] for one in winner["finished"] if not one["audited"]]
        others = [one["at_last"] for one in winner["finished"] if one["audited"]]
        audited += len(others)
        better += sum(score > max(survivors, default=0.0) for score in others)
    rungs = ", ".join(map(str, sorted({winner["rungs"][0] for winner in cut})))
    if audited:
        yield (
            f"Audit: {audited} candidates cut at epoch {rungs} were trained to their end all the same; {better} ended "
            "above every candidate that was not cut. The best of all that were trained to their end is chosen."
        )
    correlations = [value for winner in cut if (value := _rank_correlation(winner)) is not None]
    if correlations:
        yield (
            f"Rank correlation of the best score by epoch {rungs} with the last one, among the candidates trained to "
            f"their end: {mean(correlations):.2f} in the mean of {len(correlations)} searches "
            "(those cut are missing from it but for the audit)."
        )


def _rank_correlation(winner: Row) -> float | None:
    """Spearman's, of the scores at the first rung and at last; None where too few are known or all are equal."""
    pairs = [(one["at_rung"], one["at_last"]) for one in winner["finished"]]
    if len(pairs) < FEWEST_TO_RANK or any(len(set(scores)) == 1 for scores in zip(*pairs, strict=True)):
        return None
    return float(spearmanr(pairs).statistic)

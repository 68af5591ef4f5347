"""One table of text, written as Markdown, as LaTeX and as CSV; the HTML page renders the same object."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One entry of a table."""

    text: str
    bold: bool = False
    mark: str = ""
    """A sign after the text, explained in the table's notes."""


@dataclass(frozen=True)
class TextTable:
    """A table for readers; `align` has one letter per column, `l` or `r`."""

    title: str
    columns: list[str]
    align: str
    rows: list[list[Entry]]
    notes: list[str] = field(default_factory=list)
    made_by: str = ""

    def without(self, column: str) -> "TextTable":
        """The table without a column, if it has it."""
        kept = [place for place, name in enumerate(self.columns) if name != column]
        return replace(
            self,
            columns=[self.columns[place] for place in kept],
            align="".join(self.align[place] for place in kept),
            rows=[[row[place] for place in kept] for row in self.rows],
        )


def plain(*texts: str) -> list[Entry]:
    """A row without marks."""
    return [Entry(text) for text in texts]


def markdown(table: TextTable) -> str:
    """The table with its title above and its notes below."""
    rule = ["---:" if side == "r" else ":---" for side in table.align]
    lines = [f"**{markdown_text(table.title)}**", "", _pipes(map(markdown_text, table.columns)), _pipes(rule)]
    lines += [_pipes(map(_markdown_entry, row)) for row in table.rows]
    for note in [*table.notes, table.made_by]:
        lines += ["", markdown_text(note)]
    return "\n".join(lines) + "\n"


def _pipes(entries: Any) -> str:
    return "| " + " | ".join(entries) + " |"


MARKDOWN = re.compile(r"""
    (?P<sign> [\\`*\[\]|~$] | (?<![A-Za-z0-9])_ | _(?![A-Za-z0-9]) )  # read as marks; within a word _ is none
  | (?P<html> [<>] | &(?=\#?\w+;) )
""", re.VERBOSE)  # fmt: skip


def markdown_text(text: str) -> str:
    """Text in one line, which a viewer shows as it is: no HTML, links, code, formulas, emphasis or further columns."""
    return MARKDOWN.sub(lambda found: f"\\{found[0]}" if found["sign"] else escape(found[0]), " ".join(text.split()))


def _markdown_entry(entry: Entry) -> str:
    text = markdown_text(entry.text)
    return (f"**{text}**" if entry.bold else text) + markdown_text(entry.mark)


LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "†": r"$^\dagger$", "−": "$-$",
    "‡": r"$^\ddagger$", "–": "--", "≥": r"$\geq$", "≤": r"$\leq$", "×": r"$\times$", "·": r"$\cdot$", "Δ": r"$\Delta$",
    "α": r"$\alpha$", "β": r"$\beta$", "<": "$<$", ">": "$>$",
}  # fmt: skip


def latex_text(text: str) -> str:
    """Text with everything escaped that LaTeX would read as a command."""
    return "".join(LATEX.get(letter, letter) for letter in text)


def latex(table: TextTable, label: str) -> str:
    """A floating table for a paper; needs the package booktabs."""
    header = " & ".join(map(latex_text, table.columns)) + r" \\"
    rows = [" & ".join(map(_latex_entry, row)) + r" \\" for row in table.rows]
    notes = [rf"  \par\footnotesize {latex_text(note)}" for note in [*table.notes, table.made_by] if note]
    body = [rf"  \begin{{tabular}}{{{table.align}}}", r"    \toprule", f"    {header}", r"    \midrule"]
    body += [f"    {row}" for row in rows] + [r"    \bottomrule", r"  \end{tabular}"]
    head = [r"\begin{table}", r"  \centering", rf"  \caption{{{latex_text(table.title)}}}", rf"  \label{{tab:{label}}}"]
    return "\n".join([*head, *body, *notes, r"\end{table}"]) + "\n"


def _latex_entry(entry: Entry) -> str:
    text = latex_text(entry.text)
    return (rf"\textbf{{{text}}}" if entry.bold else text) + latex_text(entry.mark)


def csv_text(records: Sequence[dict[str, Any]]) -> str:
    """Records with the same keys as CSV with a header; None is an empty field. Without records it is empty."""
    buffer = io.StringIO()
    if records:
        writer = csv.DictWriter(buffer, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
    return buffer.getvalue()


def percent(mean: float | None, sd: float | None = None) -> str:
    """A mean and, of several values, their standard deviation, fractions shown in percent: `62.1 ± 0.8`, `62.1`."""
    if mean is None:
        return "–"
    return f"{100 * mean:.1f}" + ("" if sd is None else f" ± {100 * sd:.1f}")


def points(difference: float) -> str:
    """A difference of fractions in percentage points, with its sign: `+1.2`, `−0.4`."""
    value = round(100 * difference, 1) + 0.0  # no negative zero
    return f"{value:+,.1f}".replace("-", "−") if value else "0.0"


def span(values: tuple[int, int] | None) -> str:
    """A count, or the range of counts: `7,987`, `7,987–8,091`."""
    if values is None:
        return "–"
    low, high = values
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def number(value: Any, digits: int = 3) -> str:
    """A number with that many significant digits, `–` for None."""
    return "–" if value is None else f"{value:.{digits}g}" if isinstance(value, float) else str(value)

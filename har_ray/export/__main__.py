"""`python -m har_ray.export RESULTS`: a trained model as a folder of files that a watch, a phone or a PC runs.

Without a choice: in each setting the student that validation chose. `har-ray export RESULTS` does the same.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from har_ray.errors import ExportError, HarRayError
from har_ray.export.installed import check_installed
from har_ray.store.exports import Activations, integers

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 2 with a message where nothing can be exported."""
    parser = argparse.ArgumentParser(
        prog="python -m har_ray.export", description=__doc__.partition(":")[2].partition("\n")[0]
    )
    add_arguments(parser)
    options = parser.parse_args(arguments)
    try:
        return run(options)
    except HarRayError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", metavar="RESULTS", help="STORAGE/<grid name>, a path or a URI")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--cell", metavar="ID", help="this cell of stage confirm")
    which.add_argument(
        "--variant", metavar="V", help="this variant: of its cells the one with the best validation score"
    )
    text = "the best model within it by validation score, e.g. params=10000,macs=300000"
    which.add_argument("--budget", metavar="COST=MOST,…", help=text)
    text = "also copy the files to FOLDER/<cell id> (they are kept in RESULTS/exports/<cell id>)"
    parser.add_argument("--out", type=Path, metavar="FOLDER", help=text)
    text = "int16 is nearer to the float network, and takes somewhat more working memory (default: int8)"
    parser.add_argument("--activations", choices=get_args(Activations), default="int8", help=text)
    text = "where rounding to int8 costs more than half a point, fine-tune with it for so many epochs (default: 0)"
    parser.add_argument("--qat-epochs", type=_epochs, default=0, metavar="N", help=text)
    text = "also write the test windows, which are recordings of people; see the terms of the dataset"
    parser.add_argument("--with-test-windows", action="store_true", help=text)


def _epochs(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, 0 or more")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Export what is asked for, and say what it scores there; what can't be exported is said, and the rest goes on.

    Raises:
        HarRayError: what is asked for is not there.
    """
    check_installed()
    # Figures, statistics and torch take seconds to import, which the other commands need not wait for.
    from analysis.budget import parse
    from analysis.load import load_results
    from har_ray.export import choice
    from har_ray.export.folder import export
    from har_ray.spec.grid import Export
    from har_ray.store.results import ResultStore

    budget = None if options.budget is None else parse(options.budget)
    try:
        results = load_results(options.results)
    except FileNotFoundError as error:
        raise ExportError(str(error)) from error
    if options.cell:
        chosen = [choice.named(results, options.cell)]
    elif options.variant:
        chosen = choice.of_variant(results, options.variant)
    else:
        chosen = choice.within(results, budget) if budget else choice.recommended(results)
    store, how = ResultStore(options.results), Export(activations=options.activations, qat_epochs=options.qat_epochs)
    status = 0
    for one in chosen:
        out = options.out and options.out / one.id
        try:
            choice.require_network(results, one, budget)
            measured = export(store, one.cell.row, results.info, how, out, options.with_test_windows)
        except HarRayError as error:
            print(f"{one.title} is not exported: {error}", file=sys.stderr)
            status = BAD_INPUT
            continue
        print(f"{one.title}: {one.why}\n  {summary(measured)}\n  {out or store.exports.folder(one.id)}")
    return status


def summary(row: dict[str, Any]) -> str:
    """What was measured, in a line."""
    return (
        f"{integers(row)}: macro F1 {100 * row['int8_f1_macro']:.1f} % (in float {100 * row['onnx_f1_macro']:.1f} %), "
        f"{100 * row['int8_agreement']:.1f} % of test windows as the float network; {row['flash_bytes']:,} bytes of "
        f"flash, {row['arena_bytes']:,} of working memory ({row['measured_on']})"
    )


if __name__ == "__main__":
    sys.exit(main())

"""The command `har-ray data guess`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import join

from har_ray.data.describe.lines import finding_lines
from har_ray.data.guess.descriptor import guess, open_questions
from har_ray.data.guess.showing import shown
from har_ray.data.guess.soundness import check
from har_ray.data.guess.writing import yaml_of
from har_ray.data.own.scan import kept_beside
from har_ray.errors import DataError

WHAT = "look at files of your own and write a descriptor of what they seem to hold"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILES", help="files, folders or patterns of them")
    parser.add_argument("--out", type=Path, metavar="YAML", help="where to write it (default: standard output)")
    parser.add_argument("--force", action="store_true", help="also over a file that exists")


def run(args: argparse.Namespace, typed: Sequence[str] | None) -> int:
    """Writes the descriptor, and shows values, questions and what would make results wrong: on standard error where
    the descriptor goes to output.
    """
    out: Path | None = args.out
    if out and out.exists() and not args.force:
        raise DataError(f"{out}: exists; --force writes over it")
    if out and not out.absolute().parent.is_dir():
        raise DataError(f"{out}: there is no folder {out.parent}")
    root = (out.absolute() if out else Path.cwd() / "mine.yaml").parent
    found = guess(args.files, root)
    looked = check(found, out or root / "mine.yaml", kept_beside(out) if out else None)
    text = yaml_of(found, "har-ray data guess " + join(args.files))
    aside = sys.stdout if out else sys.stderr
    for line in shown(found, root):
        print(line, file=aside)
    if out:
        out.write_text(text, encoding="utf-8")
        print(f"written: {out}", file=aside)
    else:
        print(text, end="", flush=True)
    for question in open_questions(found):
        print(f"? {question}", file=aside)
    findings = [finding for some in found.findings.values() for finding in some]
    for line in finding_lines(findings, looked):
        print(line, file=aside)
    return 0

"""The list of mistakes is true: each can be planted as it stands, and its tests exist."""

import ast
from collections import Counter

import pytest

from tests.mistakes import MISTAKES
from tests.mistakes.mistake import ROOT


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_can_be_planted_and_its_tests_exist(mistake):
    assert mistake.fault() is None
    source = (ROOT / mistake.file).read_text()
    planted, unchanged = ast.parse(source.replace(mistake.right, mistake.wrong)), ast.parse(source)
    assert ast.dump(planted) != ast.dump(unchanged)
    for file, _, name in (test.partition("::") for test in mistake.tests):
        assert f"def {name}(" in (ROOT / file).read_text()


def test_a_text_that_is_gone_or_ambiguous_is_said_in_one_line():
    gone, twice = (MISTAKES[0]._replace(right=right).fault() for right in ("no such text", "import"))
    start = f"{MISTAKES[0].name}: {MISTAKES[0].file}: the text "
    assert gone == f"{start}'no such text' is gone, expected once"
    assert twice is not None
    assert twice.startswith(f"{start}'import' stands there ")


def test_every_mistake_has_a_name_of_its_own():
    assert [name for name, count in Counter(mistake.name for mistake in MISTAKES).items() if count > 1] == []

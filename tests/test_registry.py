"""What is found by name: ours, somebody's own, and what is said of what cannot be found."""

import sys

import pytest

from har_ray.errors import ExtensionError
from har_ray.losses import LOSSES, Loss
from har_ray.registry import option_names, short_name


@pytest.fixture
def mylab(tmp_path, monkeypatch):
    """A package of somebody's own; the test writes its modules."""
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "mylab"
    for name in [name for name in sys.modules if name.partition(".")[0] == "mylab"]:
        del sys.modules[name]


GOOD = """
from har_ray.losses import Loss

class Margin(Loss):
    def __init__(self, margin: float, weight: float = 1.0):
        super().__init__(weight)
"""


def test_ours_and_somebodys_own_are_found_in_the_same_way(mylab):
    (mylab / "losses.py").write_text(GOOD)
    found = LOSSES.find("mylab.losses:Margin")
    assert issubclass(found, Loss)
    assert LOSSES.find("distillation").__name__ == "Distillation"
    assert option_names(found) == {"margin": True, "weight": False}
    assert (short_name("mylab.losses:Margin"), short_name("distillation")) == ("Margin", "distillation")


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("", "elsewhere.losses:Margin", "there is no module 'elsewhere'; install its package"),
        ("", "mylab.lost:Margin", "there is no module 'mylab.lost'"),
        (GOOD, "mylab.losses:Margn", "class of mylab.losses 'Margn' is unknown; did you mean 'Margin'?"),
        ("import nothing_like_it", "mylab.losses:Margin", "importing mylab.losses failed: No module named 'nothing_l"),
        ("class Margin(", "mylab.losses:Margin", "importing mylab.losses failed: SyntaxError"),
        ("1 / 0", "mylab.losses:Margin", "importing mylab.losses failed: ZeroDivisionError: division by zero"),
        (
            "class Margin: pass",
            "mylab.losses:Margin",
            "is not a loss: expected a class derived from har_ray.losses.Loss",
        ),
        ("", "margin", "loss 'margin' is unknown; .*one of your own is package.module:Name"),
    ],
)
def test_what_cannot_be_found_is_named_with_the_reason(mylab, text, name, message):
    (mylab / "losses.py").write_text(text)
    with pytest.raises(ExtensionError, match=message):
        LOSSES.find(name)


def test_options_are_checked_by_name(mylab):
    (mylab / "losses.py").write_text(GOOD)
    wrong = LOSSES.check_options("mylab.losses:Margin", {"weigth": 1})
    assert wrong == [
        "option of mylab.losses:Margin 'weigth' is unknown; did you mean 'weight'? (margin, weight)",
        "option 'margin' of mylab.losses:Margin is missing",
    ]

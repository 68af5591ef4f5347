"""Mistakes that would spoil the science and that a test must catch; `tests/planted.py` plants them."""

from tests.mistakes.analysis import STORE_AND_ANALYSIS
from tests.mistakes.data import DATA
from tests.mistakes.export import EXPORT
from tests.mistakes.networks import NETWORKS_AND_LOSSES
from tests.mistakes.search import PLAN_AND_SEARCH
from tests.mistakes.training import TRAINING

MISTAKES = [*DATA, *NETWORKS_AND_LOSSES, *TRAINING, *PLAN_AND_SEARCH, *EXPORT, *STORE_AND_ANALYSIS]

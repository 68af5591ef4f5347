"""The datasets that a grid can name. To add one: a file like `spar.py` beside this one, and its line here."""

from har_ray.data.dataset import Dataset
from har_ray.data.spar import SPAR

CATALOG: dict[str, Dataset] = {dataset.name: dataset for dataset in (SPAR,)}

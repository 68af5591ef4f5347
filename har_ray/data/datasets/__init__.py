"""The datasets that a grid can name. To add one: a file like `spar.py` beside this one, and its line here."""

from har_ray.data.dataset import Dataset
from har_ray.data.datasets.opportunity import OPPORTUNITY
from har_ray.data.datasets.sensors import SENSORS
from har_ray.data.datasets.spar import SPAR
from har_ray.data.datasets.wisdm import WISDM
from har_ray.data.datasets.wisdm_watch import WISDM_WATCH

CATALOG: dict[str, Dataset] = {d.name: d for d in (SPAR, WISDM_WATCH, SENSORS, WISDM, OPPORTUNITY)}

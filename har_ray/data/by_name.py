"""A dataset and a preset by what a person types: a name of the catalogue, or the path of a descriptor."""

from pathlib import Path

from har_ray.data.dataset import Dataset
from har_ray.data.datasets import CATALOG
from har_ray.data.own.dataset import load_table
from har_ray.errors import DataError, unknown

DESCRIPTOR_SUFFIXES = (".yaml", ".yml")


def descriptor_of(name: str) -> Path | None:
    """The descriptor that is meant; None for a dataset of the catalogue. Raises `DataError`: it is neither."""
    path = Path(name)
    if name in CATALOG:
        return None
    if path.suffix in DESCRIPTOR_SUFFIXES:
        return path
    raise DataError(f"{unknown('dataset', name, CATALOG)}; or give the path of a descriptor, such as my_data/har.yaml")


def dataset_of(name: str) -> Dataset:
    """The dataset; a descriptor's is called like its file. Raises `HarRayError` as `descriptor_of` and `load_table`."""
    path = descriptor_of(name)
    return load_table(path.stem, path) if path else CATALOG[name]


def preset_of(dataset: Dataset, name: str | None) -> str:
    """The preset that is meant; raises `DataError`: there is none of this name, or None and a choice to make."""
    if name is None and len(dataset.presets) > 1:
        raise DataError(f"{dataset.name}: choose a preset, one of {', '.join(dataset.presets)}")
    name = name or next(iter(dataset.presets))
    if name not in dataset.presets:
        raise DataError(unknown(f"preset of {dataset.name}", name, dataset.presets))
    return name

import pytest

from har_ray.data.tensors import load_tensors
from har_ray.plan.cells import Cell, TrainConfig
from har_ray.training.run import Place


@pytest.fixture(scope="session")
def data(spar_storage, spar_spec, holdout):
    return load_tensors(spar_storage.uri, spar_spec.id, holdout)


@pytest.fixture(scope="session")
def make_cell(spar_spec, holdout):
    """Cells on SPAR's windows; two epochs unless said otherwise."""

    def make(variant="LM", seed=0, epochs=2, **given):
        train = TrainConfig(**{"epochs": epochs, "patience": 8, **given.pop("train", {})})
        return Cell(
            dataset="spar", preset="wrist", windows_id=spar_spec.id, protocol=holdout, variant=variant, seed=seed,
            train=train, **given,
        )  # fmt: skip

    return make


@pytest.fixture
def place(spar_storage, request):
    """A grid folder of the test's own beside the shared windows."""
    return Place(spar_storage.uri, request.node.name.replace("[", "-").rstrip("]"), None)

import pytest

from har_ray.candidates import resolve
from har_ray.plan.cells import Cell
from har_ray.spec.training import TrainConfig
from har_ray.store.stores import Stores
from har_ray.variants import VARIANTS


@pytest.fixture(scope="session")
def make_cell(spar_spec, holdout):
    """Cells on SPAR's windows, given the hyper-parameters of a variant; two epochs unless said otherwise."""

    def make(variant="LM", seed=0, epochs=2, teacher_id=None, train=None, augment=None, model=None, **hyper):
        training = TrainConfig(**{"epochs": epochs, "patience": 8, **(train or {})})
        chosen = resolve(VARIANTS[variant], hyper, "channels")
        return Cell(
            dataset="spar", preset="wrist", windows_id=spar_spec.id, protocol=holdout, variant=variant, seed=seed,
            size=VARIANTS[variant].size, training=training, teacher_id=teacher_id, hyper=chosen.hyper,
            model=model or chosen.model, losses=chosen.losses, augment=augment or {},
        )  # fmt: skip

    return make


@pytest.fixture
def stores(spar_storage, request):
    """A grid folder of the test's own beside the shared windows."""
    return Stores(spar_storage.uri, request.node.name.replace("[", "-").rstrip("]"))

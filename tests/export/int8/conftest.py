import pytest

from har_ray.export.int8 import model


@pytest.fixture
def all_within(monkeypatch):
    """Ranges hold all that the calibration windows do, so that nothing is cut off but only rounded."""
    monkeypatch.setattr(model, "SHARE", 1.0)

"""Windows made by the real path, for tests."""

from pathlib import Path

from har_ray.data.raw.identity import identify
from har_ray.data.shards import prepare
from har_ray.data.windows import WindowSpec
from har_ray.store.windows import WindowStore


def made(dataset, preset, folder, storage, root=Path("nowhere")):
    """The spec and the manifest of a dataset's windows in `storage`; its raw files lie in `folder` below `root`."""
    identity = identify(dataset, folder, root)
    spec = WindowSpec.of(dataset, identity.fingerprint, preset)
    return spec, prepare(dataset, spec, identity, folder, WindowStore(storage))

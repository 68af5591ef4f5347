"""`unpack` under attack: nothing may appear outside the folder, and no header may fill the memory."""

from pathlib import Path

import pytest

from har_ray.data.raw.unpack import unpack
from har_ray.errors import DataError
from tests.data.raw.test_unpack import tree, zipped


def test_the_folders_of_inner_zips_do_not_climb_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`...zip` without its ending is `..`; three deep, a module lay where the next command would import it."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "raw" / ".set.fetching"
    home.mkdir(parents=True)
    content = zipped({"torch.py": b"evil"})
    for _ in range(3):
        content = zipped({"...zip": content})
    archive = home / "data.bin"
    archive.write_bytes(content)
    with pytest.raises(DataError):
        unpack(archive, home / "raw", max_bytes=1_000_000)
    assert list(tree(tmp_path)) == ["raw/.set.fetching/data.bin"]

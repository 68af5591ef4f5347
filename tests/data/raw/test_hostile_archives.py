"""`unpack` under attack: nothing may appear outside the folder, whatever is refused leaves no folder, and no header may
fill the memory.

Archives are built from parts by the hundred, from fixed seeds: each attack in every format that can carry it, among
harmless files, up to two zips deep; and as many harmless ones, of odd but valid names, that must unpack to exactly
their files, so that refusing everything would fail.
"""

import gzip
import io
import os
import random
import stat
import struct
import subprocess
import sys
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from har_ray.data.raw.destination import Destination
from har_ray.data.raw.unpack import unpack
from har_ray.errors import DataError
from tests.data.raw.archives import block, number, rar, tarred, tree, zipped

MAX_BYTES, MAX_FILES = 200_000, 100
WORLD = "/WORLD"
"""In a name or a link: the folder that holds all that a test can reach."""


@dataclass(frozen=True)
class Entry:
    name: str
    content: bytes = b"evil"
    """Of a link: its target."""
    type: int = stat.S_IFREG


def zip_of(entries: list[Entry]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for entry in entries:
            info = zipfile.ZipInfo("name")
            info.filename = entry.name  # the constructor would cut it at a zero byte
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, (entry.type | 0o644) << 16
            file.writestr(info, entry.content)
    return out.getvalue()


TAR_TYPES = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}


def tar_of(entries: list[Entry]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for entry in entries:
            info = tarfile.TarInfo("name")
            info.type, info.pax_headers = TAR_TYPES[entry.type], {"path": entry.name}
            if entry.type == stat.S_IFREG:
                info.size = len(entry.content)
            elif entry.type == stat.S_IFLNK:
                info.linkname = entry.content.decode()
            file.addfile(info, io.BytesIO(entry.content))
    return out.getvalue()


def tar_gz_of(entries: list[Entry]) -> bytes:
    return gzip.compress(tar_of(entries), 1)


def rar_of(entries: list[Entry]) -> bytes | None:
    """None for what `archives.rar` has no way to say."""
    files = {entry.name: entry.content for entry in entries}
    plain = all(entry.type == stat.S_IFREG and "\0" not in entry.name for entry in entries)
    return rar(files) if plain and len(files) == len(entries) else None


WRITERS: list[Callable[[list[Entry]], bytes | None]] = [zip_of, tar_of, tar_gz_of, rar_of]


class World:
    """A working directory and a folder for raw files, side by side, with something in each that must not change."""

    def __init__(self, root: Path) -> None:
        self.root, home = root, root / "data/raw/.set.fetching"
        self.archive, self.folder = home / "data.bin", home / "raw"
        home.mkdir(parents=True)
        (root / "work").mkdir()
        for file in ("work/grid.yaml", "data/raw/mine.csv", "data/raw/.set.fetching/part"):
            (root / file).write_text("mine")
        self.archive.write_bytes(b"")
        self.before = self._outside()

    def unpack(self, content: bytes) -> DataError | None:
        self.archive.write_bytes(content)
        refusal = None
        try:
            unpack(self.archive, self.folder, max_bytes=MAX_BYTES, max_files=MAX_FILES)
        except DataError as error:
            refusal = error
        finally:
            assert self._outside() == self.before
        assert self.folder.exists() == (refusal is None)
        assert "\n" not in str(refusal)
        assert len(str(refusal)) < 2000
        for path in self.folder.rglob("*"):
            assert stat.S_IFMT(path.lstat().st_mode) in (stat.S_IFREG, stat.S_IFDIR)
        return refusal

    def take(self) -> dict[str, bytes]:
        """The files of the folder, which is moved away for the next archive."""
        files = tree(self.folder)
        for path in sorted(self.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        self.folder.rmdir()
        return files

    def _outside(self) -> dict[str, bytes | None]:
        found: dict[str, bytes | None] = {}
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if Path(folder, name) != self.folder]
            found |= {os.path.join(folder, name): None for name in folders}  # noqa: PTH118 (names of any bytes)
            found |= {str(path): path.read_bytes() for name in files if (path := Path(folder, name)) != self.archive}
        return found


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path / "world")
    monkeypatch.chdir(world.root / "work")
    return world


FOLDERS = ["", "", "set/", "set/deep/", "Ünï cødé/", "..hidden/", "a..b/", ".git/"]
NAMES = [
    *("..x{}", ".dot{}", "-rf{}", "@{}", "~{}", "constant{}", "ä{}", "a b{}"),
    *("{}.zip", "%2e%2e{}", "$HOME{}", "LPT{}x"),
]


def harmless(rng: random.Random, depth: int = 0) -> tuple[list[Entry], dict[str, bytes]]:
    """Entries, and the files that they must become; one in four is a zip with more of them."""
    entries, files = list[Entry](), dict[str, bytes]()
    for n in range(rng.randint(1, 5)):
        folder = rng.choice(FOLDERS)
        if depth < 3 and rng.random() < 0.25:
            inner, inner_files = harmless(rng, depth + 1)
            entries.append(Entry(f"{folder}n{n}.{rng.choice(['zip', 'ZIP'])}", zip_of(inner)))
            files |= {f"{folder}n{n}/{name}": content for name, content in inner_files.items()}
        else:
            name = folder + rng.choice(NAMES).format(n)
            files[name] = rng.randbytes(rng.randint(0, 300))
            entries.append(Entry(name.replace("/", rng.choice(["/", "\\"])), files[name]))
    return entries, files


INNER = zipped({"evil": b"evil"})
DEEP = INNER
for _ in range(4):
    DEEP = zipped({"n.zip": DEEP})

OUTSIDE = [
    *("..", "../evil", "a/../../evil", "a/../evil", "..\\evil", "a/..\\..\\evil", "../../../../work/torch.py"),
    *(f"{WORLD}/evil", "\\evil", "C:\\evil", "C:evil", "\\\\server\\share\\evil"),
]
ALIASES = [
    "evil.",
    "evil ",
    "...",
    " ",
    "sub./evil",
    "CON",
    "aux.csv",
    "com1",
    "LPT².csv",
    "evil:stream",
    "evil\n",
    "evil\0.csv",
]
TOO_LONG = ["e" * 256, "ä" * 128, "e/" * 64 + "e", "/".join(["e" * 200] * 6), "e" * 10_000]
INNER_NAMES = ["...zip", "..zip", ".zip", " .zip", "a..zip", "a .zip", "set/...zip", "set/.zip", "con.zip", "n\0.zip"]
PAIRS = [
    ("the same name", [Entry("evil"), Entry("evil")]),
    ("the same, spelled with a dot", [Entry("a/evil"), Entry("a/./evil")]),
    ("the same, spelled with a backslash", [Entry("a/evil"), Entry("a\\evil")]),
    ("another case", [Entry("evil"), Entry("Evil")]),
    ("another case of a folder", [Entry("evil/a"), Entry("EVIL/b")]),
    ("another encoding", [Entry(unicodedata.normalize(form, "évil")) for form in ("NFC", "NFD")]),
    ("below a file", [Entry("evil"), Entry("evil/evil")]),
    ("over a folder", [Entry("evil/evil"), Entry("evil")]),
    ("a zip over a folder", [Entry("evil.zip", INNER), Entry("evil/other")]),
    ("a zip over a file", [Entry("evil.zip", INNER), Entry("evil")]),
    ("a zip over a zip", [Entry("evil.zip", INNER), Entry("evil.ZIP", INNER)]),
    ("through a link to a folder", [Entry("link", b"..", stat.S_IFLNK), Entry("link/evil")]),
    ("through a link from the root", [Entry("link", WORLD.encode(), stat.S_IFLNK), Entry("link/evil")]),
    ("through a link to a file", [Entry("link", b"../part", stat.S_IFLNK), Entry("link")]),
    ("a device", [Entry("evil", b"", stat.S_IFCHR)]),
    ("a pipe", [Entry("evil", b"", stat.S_IFIFO)]),
    ("too many bytes", [Entry("bomb", bytes(MAX_BYTES + 1))]),
    ("too many bytes in two zips", [Entry(f"{n}.zip", zipped({"b": bytes(MAX_BYTES // 2 + 1)})) for n in range(2)]),
    ("too many files", [Entry(f"many{n}", b"") for n in range(MAX_FILES + 1)]),
    ("too many folders in the names", [Entry(f"many{n}/{'e/' * 30}e", b"") for n in range(4)]),
    ("too many zips deep", [Entry("deep.zip", DEEP)]),
]
ATTACKS: list[tuple[str, list[Entry]]] = [
    *((repr(name)[:40], [Entry(name)]) for name in OUTSIDE + ALIASES + TOO_LONG),
    *((f"an inner zip {name!r}", [Entry(name, INNER)]) for name in INNER_NAMES),
    *PAIRS,
]


def attacked(rng: random.Random, attack: list[Entry], root: Path, depth: int) -> list[Entry]:
    """The attack's entries in their order, among harmless ones, `depth` zips deep."""
    entries = [*(Entry(f"good/{n}", b"good") for n in range(rng.randint(0, 3)))]
    after = 0
    for entry in attack:
        entry = Entry(
            entry.name.replace(WORLD, str(root)), entry.content.replace(WORLD.encode(), bytes(root)), entry.type
        )
        after = rng.randint(after, len(entries)) + 1
        entries.insert(after - 1, entry)
    if depth == 0:
        return entries
    return attacked(rng, [Entry(rng.choice(["n.zip", "set/n.ZIP", "..n.zip"]), zip_of(entries))], root, depth - 1)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("attack", [entries for _, entries in ATTACKS], ids=[name for name, _ in ATTACKS])
def test_every_attack_is_refused_in_every_format_at_every_depth(world: World, attack: list[Entry]) -> None:
    rng = random.Random(repr(attack[0].name))
    refused = 0
    for writer in WRITERS:
        for depth in range(3):
            content = writer(attacked(rng, attack, world.root, depth))
            if content is not None:
                assert world.unpack(content) is not None
                refused += 1
    assert refused >= 9


def test_harmless_archives_unpack_to_exactly_their_files(world: World) -> None:
    rng = random.Random(1)
    zips = 0
    for n in range(200):
        entries, files = harmless(rng)
        content = WRITERS[n % len(WRITERS)](entries)
        assert content is not None
        assert world.unpack(content) is None
        assert world.take() == files
        zips += sum("/n" in f"/{name}" for name in files)
    assert zips > 100


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_damaged_attacks_stay_inside_too(world: World) -> None:
    """Some bytes changed: refused or not, but with no other error, and never outside the folder."""
    rng = random.Random(2)
    refused = 0
    for n in range(400):
        _, attack = rng.choice(ATTACKS[: -len(PAIRS)])
        entries, _ = harmless(rng) if n % 2 else (attacked(rng, attack, world.root, depth=n % 3), {})
        content = bytearray(WRITERS[n % len(WRITERS)](entries) or zip_of(entries))
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(len(content))] = rng.choice([0, 0x20, 0x2E, 0x2F, 0x80, 0xFF, rng.randrange(256)])
        if world.unpack(bytes(content)) is None:
            world.take()
        else:
            refused += 1
    assert 200 < refused < 400


def test_inner_zips_do_not_climb_to_the_working_directory(world: World) -> None:
    """`...zip` without its ending is `..`; three deep, a module lay where the next command would import it."""
    content = zipped({"torch.py": b"evil"})
    for _ in range(3):
        content = zipped({"...zip": content})
    error = world.unpack(content)
    assert "data.bin: member '...zip' would be written outside the folder" in str(error)


@pytest.mark.parametrize("hole", ["a name with ..", "a link on the way"])
def test_a_hole_in_the_check_of_names_is_noticed_on_disk(
    world: World, monkeypatch: pytest.MonkeyPatch, hole: str
) -> None:
    def unchecked(into: Destination, member: str, name: str) -> Path:
        if hole == "a name with ..":
            return into.folder / "../evil"
        (into.folder / "link").symlink_to(world.root)
        return into.folder / "link/evil"

    monkeypatch.setattr(Destination, "_path", unchecked)
    assert "would be written outside the folder" in str(world.unpack(zipped({"a": b"evil"})))


MIB = 1 << 20
MAX_GROWTH_BYTES = 30 * MIB
"""Ten thousand members take 16 MiB; each archive below takes 39 or more without the guard that it is for."""


def tar_header(entry_type: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = entry_type, size
    return info.tobuf(tarfile.GNU_FORMAT)


def tar_bomb(entry_type: bytes, size: int = 100 * MIB) -> bytes:
    """A header that says its text of 100 MiB is a name."""
    return gzip.compress(tar_header(entry_type, size)) + gzip.compress(b"a" * MIB) * 100 + gzip.compress(bytes(1024))


def global_headers_that_pile_up() -> bytes:
    parts = []
    for n in range(450):
        records = b"".join(b"12 %07d=\n" % (1000 * n + i) for i in range(1000))
        padding = bytes(-len(records) % 512)
        parts += [tar_header(tarfile.XGLTYPE, len(records)), records, padding, tarred({f"{n}": b""})[:512]]
    return gzip.compress(b"".join(parts) + bytes(1024), 1)


def zip_directory(count: int, name: bytes = b"", extra: bytes = b"", comment: bytes = b"") -> bytes:
    """Of `count` entries, after the start of one local header."""
    sizes = len(name), len(extra), len(comment)
    entry = struct.pack("<4s24x3H12x", b"PK\1\2", *sizes) + name + extra + comment
    ends = struct.pack("<4s8xLLH", b"PK\5\6", count * len(entry), 30, 0)
    return b"PK\3\4" + bytes(26) + entry * count + ends


def bzip2_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_BZIP2) as file, file.open("bomb", "w") as member:
        for _ in range(150):
            member.write(bytes(MIB))
    return out.getvalue()


def rar_names() -> bytes:
    """Eighty headers with a name of a mebibyte each."""
    end = block(number(5) + number(0) + number(0))
    head = b"".join(map(number, (2, 2, 0, 0, 0, 0o100644, 0, 1, MIB)))
    members = [block(head + b"%07d" % n + b"n" * (MIB - 7)) for n in range(80)]
    return b"".join([rar({}).removesuffix(end), *members, end])


NAME, COMMENT = b"n" * 60_000, b"c" * 60_000
BOMBS: dict[str, Callable[[], bytes]] = {
    "pax header": lambda: tar_bomb(tarfile.XHDTYPE),
    "pax header of a negative size": lambda: tar_bomb(tarfile.XHDTYPE, -2048),
    "global pax header": lambda: tar_bomb(tarfile.XGLTYPE),
    "GNU long name": lambda: tar_bomb(tarfile.GNUTYPE_LONGNAME),
    "GNU long link": lambda: tar_bomb(tarfile.GNUTYPE_LONGLINK),
    "global pax headers that pile up": global_headers_that_pile_up,
    "zip names, extra fields and comments": lambda: zip_directory(400, NAME, b"\xff\xff\0\xc0" + bytes(49152), COMMENT),
    "zip entries": lambda: zip_directory(300_000),
    "zip in a tar": lambda: gzip.compress(tarred({"a.zip": zip_directory(400, NAME, b"", COMMENT)}), 1),
    "zip in a zip": lambda: zipped({"a.zip": zip_directory(400, NAME, b"", COMMENT)}),
    "bzip2 in a zip": bzip2_bomb,
    "RAR names": rar_names,
}
MEASURE = """
import resource, sys
from pathlib import Path
from har_ray.data.raw.unpack import unpack
from har_ray.errors import DataError

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

before = peak()
try:
    unpack(Path("data.bin"), Path("raw"), max_bytes=100_000_000)
except DataError as error:
    print(str(error)[:200], file=sys.stderr)
print(peak() - before)
"""


@pytest.mark.parametrize("bomb", BOMBS)
def test_the_memory_of_headers_is_bounded(tmp_path: Path, bomb: str) -> None:
    (tmp_path / "data.bin").write_bytes(BOMBS[bomb]())
    # The shell forks: a process started straight from this one would begin with this one's peak.
    command = ["sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, MEASURE]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout) < MAX_GROWTH_BYTES, done.stderr

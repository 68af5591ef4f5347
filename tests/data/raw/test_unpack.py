"""`unpack` on archives that are whole, damaged and hostile."""

import gzip
import io
import os
import re
import resource
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import rarfile  # type: ignore[import-untyped]

from har_ray.data.raw.unpack import MissingToolError, unpack
from har_ray.errors import DataError, StorageError
from tests.data.raw.archives import BUILDERS, FASTEST, STORED, rar, tar_gz, tarred, tree, zipped

FILES = {"set/a.csv": b"1,2,3\n" * 1000, "set/deep/b.csv": bytes(range(256)), "empty.txt": b""}
MAX_BYTES = 1_000_000


class Bench:
    """A folder with one archive in it."""

    def __init__(self, home: Path) -> None:
        self.archive, self.folder = home / "data.bin", home / "raw"

    def unpack(self, content: bytes, max_bytes: int = MAX_BYTES, max_files: int = 100) -> dict[str, bytes]:
        self.archive.write_bytes(content)
        unpack(self.archive, self.folder, max_bytes=max_bytes, max_files=max_files)
        return tree(self.folder)

    def refuse(self, content: bytes, max_bytes: int = MAX_BYTES, max_files: int = 100) -> str:
        """The message; nothing may be left, and a good archive must be welcome afterwards."""
        with pytest.raises(DataError) as caught:
            self.unpack(content, max_bytes, max_files)
        assert [p.name for p in self.archive.parent.iterdir()] == ["data.bin"]
        assert self.unpack(zipped(FILES)) == FILES
        shutil.rmtree(self.folder)
        assert str(caught.value).startswith(str(self.archive))
        return str(caught.value)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    home = tmp_path / "home"
    home.mkdir()
    return Bench(home)


@pytest.mark.parametrize("suffix", BUILDERS)
def test_the_first_bytes_decide_the_type(bench: Bench, suffix: str) -> None:
    assert bench.unpack(BUILDERS[suffix](FILES)) == FILES
    assert sorted(p.name for p in bench.archive.parent.iterdir()) == ["data.bin", "raw"]


def test_folders_are_made(bench: Bench) -> None:
    folder = tarfile.TarInfo("set/none")
    folder.type = tarfile.DIRTYPE
    assert bench.unpack(tarred(FILES, folder)) == FILES
    assert (bench.folder / "set/none").is_dir()
    shutil.rmtree(bench.folder)
    assert bench.unpack(zipped({"./": b"", "set/none/": b"", **FILES})) == FILES
    assert (bench.folder / "set/none").is_dir()


@pytest.mark.parametrize("suffix", BUILDERS)
def test_a_zip_inside_is_unpacked_too(bench: Bench, suffix: str) -> None:
    inner = zipped({"raw/x.txt": b"x", "again.ZIP": zipped({"y.txt": b"y"})}, zipfile.ZIP_STORED)
    outer = {"set/inner.zip": inner, "readme": b"r", "__MACOSX/._inner.zip": b"\0\5\x16\7"}
    assert bench.unpack(BUILDERS[suffix](outer)) == {
        "readme": b"r",
        "set/inner/raw/x.txt": b"x",
        "set/inner/again/y.txt": b"y",
        "__MACOSX/._inner.zip": b"\0\5\x16\7",
    }


def test_zips_in_zips_have_an_end(bench: Bench) -> None:
    content = zipped({"x.txt": b"x"})
    for _ in range(5):
        content = zipped({"z.zip": content})
    message = bench.refuse(content)
    assert "data.bin: z.zip: z.zip: z.zip: member 'z.zip' is a zip more than 3 zips deep" in message


@pytest.mark.parametrize("suffix", BUILDERS)
@pytest.mark.parametrize("name", ["../evil.txt", "set/../../evil.txt", "/tmp/evil.txt", "..\\evil.txt", "C:\\evil.txt"])
def test_no_member_leaves_the_folder(bench: Bench, suffix: str, name: str) -> None:
    message = bench.refuse(BUILDERS[suffix]({"good.txt": b"g", name: b"evil"}))
    assert "would be written outside the folder" in message
    assert f"member {name!r}" in message
    assert "unpack it another way and use `fetch NAME --from FOLDER`" in message
    assert not list(bench.archive.parent.parent.rglob("evil.txt"))


@pytest.mark.parametrize("entry_type", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_no_links_and_devices_from_a_tar(bench: Bench, entry_type: bytes) -> None:
    member = tarfile.TarInfo("set/link")
    member.type, member.linkname = entry_type, "/etc/passwd"
    for content in (tarred(FILES, member), gzip.compress(tarred(FILES, member))):
        assert "member 'set/link' is a link, a device or a sparse file" in bench.refuse(content)


def test_no_links_from_a_zip_or_a_rar(bench: Bench) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        link = zipfile.ZipInfo("set/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
    for content in (out.getvalue(), rar({"set/link": b""}, link="/etc/passwd")):
        assert "member 'set/link' is a link" in bench.refuse(content)


def test_a_name_with_a_zero_byte(bench: Bench) -> None:
    info = tarfile.TarInfo("a")
    info.pax_headers = {"path": "a\0b"}
    assert "member 'a\\x00b' has a name that means another one" in bench.refuse(tarred({}, info))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice(bench: Bench) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for content in ("one", "two"):
            file.writestr("a.txt", content)
    assert "member 'a.txt' would be unpacked over an earlier file" in bench.refuse(out.getvalue())


@pytest.mark.parametrize("suffix", BUILDERS)
def test_a_bomb_is_stopped(bench: Bench, suffix: str) -> None:
    content = BUILDERS[suffix]({"small.txt": b"s", "bomb.txt": bytes(5_000_000)})
    assert "member 'bomb.txt' brings the unpacked bytes above the limit of 1000000" in bench.refuse(content)


def test_a_bomb_whose_header_says_it_is_small(bench: Bench) -> None:
    content = zipped({"bomb.txt": bytes(5_000_000)}).replace(struct.pack("<I", 5_000_000), struct.pack("<I", 5))
    assert "truncated or altered: Bad CRC-32" in bench.refuse(content)


def test_zips_inside_count_too(bench: Bench) -> None:
    content = zipped({f"{n}.zip": zipped({"x.txt": bytes(400_000)}) for n in range(3)})
    assert "data.bin: 2.zip: member 'x.txt' brings the unpacked bytes above" in bench.refuse(content)


@pytest.mark.parametrize("suffix", BUILDERS)
def test_too_many_files(bench: Bench, suffix: str) -> None:
    content = BUILDERS[suffix]({f"{n}.txt": b"" for n in range(20)})
    assert "member '10.txt' brings the files above the limit of 10" in bench.refuse(content, max_files=10)


@pytest.mark.parametrize("suffix", BUILDERS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_archive_is_named_so(bench: Bench, suffix: str, share: float) -> None:
    # Of the tar, members only: the end is ten thousand bytes of zeros, of which a thousand are enough.
    content = BUILDERS[suffix](FILES)
    if suffix == "tar":
        content = content.rstrip(b"\0")
    message = bench.refuse(content[: int(len(content) * share)])
    assert "truncated or altered: " in message
    assert "get a fresh copy of it" in message


def test_a_tar_cut_between_two_members(bench: Bench) -> None:
    content = tarred({"a.txt": b"a" * 512, "b.txt": b"b"})
    assert "truncated or altered: it stops before the mark of the archive's end" in bench.refuse(content[:1024])


@pytest.mark.parametrize(
    ("suffix", "reason"),
    [
        ("zip", "Bad CRC-32 for file 'set/a.csv'"),
        ("tar.gz", "CRC check failed"),
        ("rar", "CRC check failed: set/a.csv"),
    ],
)
def test_an_altered_archive_is_named_so(bench: Bench, suffix: str, reason: str) -> None:
    content = gzip.compress(tarred(FILES), 0) if suffix == "tar.gz" else b""
    content = content or (zipped(FILES, zipfile.ZIP_STORED) if suffix == "zip" else rar(FILES))
    altered = content.replace(b"1,2,3\n1,2,3", b"1,2,3\n1,2,4", 1)
    assert altered != content
    message = bench.refuse(altered)
    assert "truncated or altered: " in message
    assert reason in message


def test_an_altered_header_does_not_end_a_tar(bench: Bench) -> None:
    content = tarred(FILES).replace(b"set/deep/b.csv", b"set/deep/c.csv")
    assert "truncated or altered: damaged header at byte 6656" in bench.refuse(content)


def test_a_damaged_header_does_not_end_a_rar(bench: Bench) -> None:
    content = rar(FILES)
    size = content.index(b"set/deep/b.csv") - 18
    assert content[size] == 17 + len("set/deep/b.csv")
    altered = content[:size] + b"\xff\xff\xff\x7f" + content[size + 1 :]
    assert "truncated or altered: it stops before the mark" in bench.refuse(altered)


def test_a_name_that_is_no_text(bench: Bench) -> None:
    content = zipped({"ä.txt": b"a"}).replace("ä".encode(), b"\xc3\x28")
    assert "truncated or altered: 'utf-8' codec" in bench.refuse(content)


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="file names are Unicode there, whatever the locale")
def test_a_name_that_the_locale_cannot_write(bench: Bench) -> None:
    bench.archive.write_bytes(zipped({"ä.csv": b"1"}))
    script = "from pathlib import Path; from har_ray.data.raw.unpack import unpack; "
    script += f"unpack(Path('data.bin'), Path('raw'), max_bytes={MAX_BYTES})"
    locale = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=bench.archive.parent, env=locale, capture_output=True, check=False
    )
    message = done.stderr.decode().splitlines()[-1]
    assert r"member '\xe4.csv' has a name that ascii, the encoding of files here, cannot write" in message
    assert "try PYTHONUTF8=1" in message
    assert bench.unpack(bench.archive.read_bytes()) == {"ä.csv": b"1"}


def test_every_single_flipped_bit_of_a_compressed_archive(bench: Bench) -> None:
    """Noticed, or of no consequence (a time stamp); never another error, never other files."""
    files = {"a.txt": b"some text, some text", "b": b"\0\1"}
    for build in (zipped, tar_gz, rar):
        content = build(files)
        for position in range(0, len(content), 3):
            altered = bytearray(content)
            altered[position] ^= 1 << position % 8
            try:
                assert bench.unpack(bytes(altered)) == files
                shutil.rmtree(bench.folder)
            except DataError:
                assert not bench.folder.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><title>Moved</title>", "is an HTML page, not an archive: the server answered with a page"),
        (b"<HTML><body>404", "is an HTML page"),
        (b"1,2,3\n", r"is not a zip, tar, tar.gz or RAR (it starts with b'1,2,3\n')"),
        (zipped({}), "is not a zip"),
        (zipped({"folder/": b""}), "holds no files"),
        (gzip.compress(b"text"), "truncated or altered: "),
    ],
)
def test_what_is_no_archive_is_named(bench: Bench, content: bytes, reason: str) -> None:
    assert reason in bench.refuse(content)


def test_an_encrypted_zip(bench: Bench) -> None:
    content = bytearray(zipped({"a.txt": b"a"}))
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    assert re.search("cannot be unpacked: .* is encrypted, password required", bench.refuse(bytes(content)))


def test_a_folder_that_exists_is_left_alone(bench: Bench) -> None:
    bench.folder.mkdir()
    (bench.folder / "mine.txt").write_text("mine")
    with pytest.raises(StorageError, match=r"raw: exists; delete it to unpack .*data.bin there"):
        bench.unpack(zipped(FILES))
    assert tree(bench.folder) == {"mine.txt": b"mine"}


def test_an_interruption_leaves_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("har_ray.data.raw.destination._chunks", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.unpack(zipped(FILES))
    assert [p.name for p in bench.archive.parent.iterdir()] == ["data.bin"]
    assert bench.unpack(zipped(FILES)) == FILES


def test_what_a_killed_process_left_is_cleared(bench: Bench) -> None:
    left = bench.folder.with_name("raw.unpacking")
    left.mkdir()
    (left / "half.csv").write_text("1,")
    assert bench.unpack(zipped(FILES)) == FILES
    assert not left.exists()


def test_a_disk_that_takes_no_more_is_not_the_archives_fault(bench: Bench) -> None:
    bench.archive.write_bytes(zipped(FILES))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(
            StorageError, match=r"a.csv: cannot be written: File too large; .*unpacks to at least 6,000"
        ):
            unpack(bench.archive, bench.folder, max_bytes=MAX_BYTES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert [p.name for p in bench.archive.parent.iterdir()] == ["data.bin"]


@pytest.fixture
def forget_tool() -> Iterator[None]:
    """rarfile looks for a program once per process."""
    rarfile.CURRENT_SETUP = None
    yield
    rarfile.CURRENT_SETUP = None


@pytest.mark.usefixtures("forget_tool")
def test_a_missing_rar_program_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    bench.archive.write_bytes(rar(FILES, FASTEST))
    with pytest.raises(MissingToolError) as caught:
        unpack(bench.archive, bench.folder, max_bytes=MAX_BYTES)
    assert "data.bin: no program that reads compressed RAR files is installed" in str(caught.value)
    assert "apt install unar" in str(caught.value)
    assert "brew install unar" in str(caught.value)
    assert [p.name for p in bench.archive.parent.iterdir()] == ["data.bin"]
    assert bench.unpack(rar(FILES)) == FILES


PROGRAMS = [name for name in ("unar", "unrar", "7z", "7zz") if shutil.which(name)]


@pytest.mark.usefixtures("forget_tool")
@pytest.mark.skipif(not PROGRAMS, reason="no RAR program here: apt install unar")
def test_a_compressed_rar(bench: Bench) -> None:
    files = {name: content for name, content in FILES.items() if content}
    assert bench.unpack(rar(files, FASTEST)) == files
    shutil.rmtree(bench.folder)
    altered = rar(files, FASTEST).replace(b"1,2,3\n1,2,3", b"1,2,3\n1,2,4", 1)
    message = bench.refuse(altered)
    assert "member 'set/a.csv': truncated or altered, or the installed RAR program cannot read it" in message
    assert "apt install unar" in message


@pytest.mark.skipif(not shutil.which("bsdtar"), reason="no bsdtar here: apt install libarchive-tools")
@pytest.mark.parametrize("method", [STORED, FASTEST])
def test_the_rar_written_here_is_one_to_others_too(tmp_path: Path, method: int) -> None:
    archive = tmp_path / "a.rar"
    archive.write_bytes(rar({"set/a.csv": FILES["set/a.csv"]}, method))
    read = subprocess.run(["bsdtar", "-xOf", archive], check=True, capture_output=True)
    assert read.stdout == FILES["set/a.csv"]

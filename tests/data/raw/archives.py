"""Archives made for tests: zip, tar, and RAR.

No free program writes RAR, so `rar()` does, after the format's public description (RAR 5.0 archive format,
https://www.rarlab.com/technote.htm): members stored, or "compressed" to literals of eight bits each.
"""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

STORED, FASTEST = 0, 1


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return out.getvalue()


def tarred(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
        for other in others:
            file.addfile(other)
    return out.getvalue()


def tar_gz(files: dict[str, bytes]) -> bytes:
    return gzip.compress(tarred(files))


def rar(files: dict[str, bytes], method: int = STORED, link: str = "") -> bytes:
    """A RAR 5 archive; `link` turns every member into a symbolic link to it."""
    parts = [b"Rar!\x1a\x07\x01\x00", block(number(1) + number(0) + number(0))]
    for name, content in files.items():
        data = content if method == STORED else _literals(content)
        redirect = number(5) + number(1) + number(0) + number(len(link.encode())) + link.encode()
        extra = number(len(redirect)) + redirect if link else b""
        header = number(2) + number(3 if link else 2) + (number(len(extra)) if link else b"")
        header += number(len(data)) + number(4) + number(len(content)) + number(0o100644)
        header += struct.pack("<I", zlib.crc32(content)) + number(method << 7) + number(1)
        header += number(len(name.encode())) + name.encode() + extra
        parts += [block(header), data]
    return b"".join([*parts, block(number(5) + number(0) + number(0))])


def block(header: bytes) -> bytes:
    sized = number(len(header)) + header
    return struct.pack("<I", zlib.crc32(sized)) + sized


def number(value: int) -> bytes:
    """Seven bits a byte, lowest first; the high bit says that more follow."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _literals(content: bytes) -> bytes:
    """One compressed block whose code gives each byte value its own eight bits, so that the content follows as is."""
    lengths = ["0000"] * 20
    lengths[8] = lengths[19] = "0001"  # of two symbols: "a code of length 8" is 0, "a run of unused codes" is 1
    runs = "1" + f"{138 - 11:07b}" + "1" + f"{36 - 11:07b}"  # 306 + 64 + 16 + 44 codes, the first 256 in use
    bits = "".join(lengths) + "0" * 256 + runs
    body = int(bits, 2).to_bytes(len(bits) // 8, "big") + content
    flags = 0b1100_0111 | (1 << 3)  # tables follow, last block, all eight bits of its last byte, size in two bytes
    size = struct.pack("<H", len(body))
    return bytes([flags, 0x5A ^ flags ^ size[0] ^ size[1]]) + size + body


BUILDERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {"zip": zipped, "tar": tarred, "tar.gz": tar_gz, "rar": rar}


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

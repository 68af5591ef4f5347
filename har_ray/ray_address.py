"""Where a Ray cluster is said to be, and whether one answers there. Needs no Ray, which takes seconds to import.

Ray itself would look for a cluster that is gone for about a quarter of an hour.
"""

import os
import socket
import sys
import tempfile
from pathlib import Path

from har_ray.errors import HarRayError

ANSWER_S = 5.0
"""A Ray that does not answer for so long is not there."""
FOUND_BY_RAY = ("auto", "local")
DASHBOARD = ("http://", "https://")
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
"""What a client says first to a server of gRPC, which Ray's head is: the preface and empty settings of HTTP/2,
https://www.rfc-editor.org/rfc/rfc9113#section-3.4."""
SETTINGS = 4
"""The type of the frame, its fourth byte, that such a server answers with."""


def answering(address: str | None) -> str | None:
    """The address by which to find Ray, if a Ray answers there; that of the environment by default.

    Raises:
        HarRayError: none does, or it is not the address of a cluster's head.
    """
    said, where = (
        (address, "--address") if address else (os.environ.get("RAY_ADDRESS"), "the environment's RAY_ADDRESS")
    )
    if not said or said in FOUND_BY_RAY:
        if said != "local":
            _check_started()
        return said or None
    if said.startswith(DASHBOARD):
        raise HarRayError(
            f"{where} is {said}, the address of a dashboard, which takes jobs (cluster/submit.sh); expected HOST:PORT "
            "of the head, usually port 6379"
        )
    host, _, port = said.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535 or "/" in host:
        raise HarRayError(f"{where} is {said!r}; expected HOST:PORT of a cluster's head, or auto")
    if (fault := _fault(host.strip("[]"), int(port))) is not None:
        raise HarRayError(f"no Ray cluster at {said} ({fault}), which {where} names; without it one is started here")
    return said


def _check_started() -> None:
    """That the cluster answers which the last `ray start` of this machine made, if any: Ray would look for it."""
    if not (file := _started_file()).exists():
        return
    said = file.read_text().strip()
    host, _, port = said.rpartition(":")
    fault = _fault(host.strip("[]"), int(port)) if port.isdigit() else "no HOST:PORT"
    if fault is not None:
        raise HarRayError(
            f"no Ray cluster at {said or 'an empty address'} ({fault}), which an earlier `ray start` left in {file}; "
            "after `ray stop`, which removes it, one is started here"
        )


def _started_file() -> Path:
    """Where `ray start` says the address of its cluster, as `ray._common.utils.get_ray_address_file` has it."""
    given = os.environ.get("RAY_TMPDIR") or (os.environ.get("TMPDIR") if sys.platform == "linux" else None)
    home = given or ("/tmp" if sys.platform in ("linux", "darwin") else tempfile.gettempdir())
    return Path(home, "ray", "ray_current_cluster")


def _fault(host: str, port: int) -> str | None:
    """Why no Ray can be there; None where something answers as Ray does."""
    try:
        with socket.create_connection((host, port), timeout=ANSWER_S) as connection:
            if os.environ.get("RAY_USE_TLS") in ("1", "true", "True"):
                return None  # it says nothing before keys are exchanged
            connection.sendall(HELLO)
            answer = connection.recv(4, socket.MSG_WAITALL)
    except TimeoutError:
        return f"no answer within {ANSWER_S:g} s"
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None if len(answer) == 4 and answer[3] == SETTINGS else "what listens there is no Ray"

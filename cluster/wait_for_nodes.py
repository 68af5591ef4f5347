"""Wait until a cluster has N nodes: `python wait_for_nodes.py N SECONDS`; its address is RAY_API_SERVER_ADDRESS."""

import os
import sys
import time

from ray.exceptions import RayError
from ray.util.state import list_nodes
from ray.util.state.exception import RayStateApiException


def main(wanted: int, patience_s: float) -> int:
    deadline = time.monotonic() + patience_s
    while (found := alive(os.environ["RAY_API_SERVER_ADDRESS"])) < wanted:
        if time.monotonic() > deadline:
            print(f"{found} of {wanted} nodes after {patience_s:.0f} s", file=sys.stderr)
            return 1
        time.sleep(0.5)
    return 0


def alive(address: str) -> int:
    """Nodes that have joined; 0 while the head does not answer."""
    try:
        return len(list_nodes(address=address, filters=[("state", "=", "ALIVE")], limit=10_000))
    except (ConnectionError, RayError, RayStateApiException):
        return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2])))

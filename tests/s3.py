"""An S3 server on loopback (moto's), which can go away and come back, and which counts its requests."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from har_ray.store.storage import Storage

SECRET = "SECRETmarkerSECRET"
KEYS = {
    "AWS_ACCESS_KEY_ID": "KEYmarkerKEY",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class S3:
    """`requests` are (method, path) pairs; what is stored outlives `stop`.

    Attributes:
        stops_at: the server stops at the next request whose path has this in it, which gets no answer.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.stops_at: str | None = None
        self.app = DomainDispatcherApplication(create_backend_app)
        self.server: BaseWSGIServer | None = None
        self.port = 0
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would print every request
        self.start()
        Storage(self.uri("")).fs.create_dir("bucket")

    def _counted(self, environ, start_response):
        query = environ["QUERY_STRING"]
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"] + (f"?{query}" if query else "")))
        if self.stops_at is not None and self.stops_at in environ["PATH_INFO"]:
            self.stops_at = None
            self.stop()
            raise ConnectionError
        return self.answer(environ, start_response)

    def answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        """What a WSGI server is asked."""
        return self.app(environ, start_response)

    def start(self) -> None:
        self.server = make_server("127.0.0.1", self.port, self._counted, threaded=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """From now on nobody answers."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def uri(self, path: str) -> str:
        """Of a path in the bucket `bucket`."""
        options = f"endpoint_override=127.0.0.1:{self.port}&scheme=http&region=us-east-1&allow_bucket_creation=true"
        return f"s3://bucket/{path}?{options}"


@contextmanager
def s3_server() -> Iterator[S3]:
    """A server; the keys for it are in the environment of all tests."""
    server = S3()
    try:
        yield server
    finally:
        server.stop()

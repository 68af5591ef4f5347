"""The S3 server of the tests, which can break while it runs and notes when result rows are written."""

import re
import time
from typing import Any

from werkzeug.wrappers import Response

from tests import s3


class S3(s3.S3):
    """`breaks`: None, `stalled` (answers wait) or `refused` (503). `rows`: when one was written, and its cell's id."""

    def __init__(self) -> None:
        self.breaks: str | None = None
        self.rows: list[tuple[float, str]] = []
        super().__init__()

    def answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        while self.breaks == "stalled":
            time.sleep(0.1)
        if self.breaks == "refused":
            return Response("away", status=503)(environ, start_response)
        row = re.search(r"/rows/(\w+)\.json$", environ["PATH_INFO"])
        if row and environ["REQUEST_METHOD"] == "PUT":
            self.rows.append((time.monotonic(), row[1]))
        return super().answer(environ, start_response)

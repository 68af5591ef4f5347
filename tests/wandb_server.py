"""A stand-in of W&B's server on loopback, as far as its client asks: runs with what was logged, files, Reports."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

ENTITY, PROJECT, KEY = "lab", "P", "k" * 40
Answer = dict[str, Any]


class WandbServer:
    """What a server of W&B has been sent.

    Attributes:
        url: where it is, once it runs.
        runs: by id: `group`, `jobType`, `config`, `state`, and `history`, one entry per logged step.
        files: content by name, which begins with the id of a run or of an artifact.
        artifacts: what was said of each, by id.
        views: the Reports, by id: `displayName` and `spec`.
        unknown: names of requests that it has no answer for.
    """

    def __init__(self) -> None:
        self.url = ""
        self.runs: dict[str, Answer] = {}
        self.files: dict[str, bytes] = {}
        self.artifacts: dict[str, Answer] = {}
        self.views: dict[str, Answer] = {}
        self.unknown: list[str] = []

    def environment(self) -> dict[str, str]:
        """For a process that is to use it."""
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": KEY}

    # What GraphQL operations are answered with, by their names

    def answer(self, operation: str, given: Answer) -> Answer:
        found = getattr(self, f"_{operation}", None)
        if found is None:
            self.unknown.append(operation)
            return {}
        return dict(found(given))

    def _Viewer(self, given: Answer) -> Answer:
        return {"viewer": {"id": "U", "entity": ENTITY, "username": ENTITY, "flags": "{}", "teams": {"edges": []}}}

    _GetDefaultEntity = _Viewer

    def _Runs(self, given: Answer) -> Answer:
        wanted = json.loads(given["filters"])
        runs = [run for run in self.runs.values() if all(run.get(name) == value for name, value in wanted.items())]
        edges = [{"node": {"id": run["name"], **run, "projectId": "1"}, "cursor": run["name"]} for run in runs]
        if not self.runs:
            return {"project": None}
        return {"project": {"internalId": "1", "runCount": len(runs), "runs": _page(edges)}}

    def _RunResumeStatus(self, given: Answer) -> Answer:
        run = self.runs.get(given["name"])
        if run is None:
            return {"model": None}
        history, counts = run["history"], ("logLineCount", "eventsLineCount")
        bucket = {"id": run["name"], "name": run["name"], "historyLineCount": len(history), **dict.fromkeys(counts, 0)}
        bucket |= {"historyTail": json.dumps([json.dumps(history[-1])] if history else []), "eventsTail": "[]"}
        bucket |= {"summaryMetrics": "{}", "config": "{}", "tags": [], "wandbConfig": '{"t": 1}'}
        return {"model": {"id": "P", "name": "P", "entity": {"id": "E", "name": ENTITY}, "bucket": bucket}}

    def _UpsertBucket(self, given: Answer) -> Answer:
        run = self.runs.setdefault(given["name"], {"name": given["name"], "history": [], "state": "running"})
        run |= {"group": given["groupName"] or run.get("group"), "jobType": given["jobType"] or run.get("jobType")}
        if given["config"]:
            run["config"] = {key: one["value"] for key, one in json.loads(given["config"]).items()}
        project = {"id": "P", "name": given["project"], "entity": {"id": "E", "name": given["entity"]}}
        bucket = {"id": given["name"], "name": given["name"], "displayName": "", "project": project, "config": "{}"}
        return {"upsertBucket": {"bucket": bucket, "inserted": True}}

    def _CreateRunFiles(self, given: Answer) -> Answer:
        files = [{"name": name, "uploadUrl": self._address(f"{given['run']}/{name}")} for name in given["files"]]
        return {"createRunFiles": {"runID": given["run"], "uploadHeaders": [], "files": files}}

    def _ArtifactType(self, given: Answer) -> Answer:
        return {"project": {"artifact": None}}

    def _ServerFeaturesQuery(self, given: Answer) -> Answer:
        return {"serverInfo": {"features": []}}

    def _CreateArtifact(self, given: Answer) -> Answer:
        artifact_id = f"A{len(self.artifacts)}"
        self.artifacts[artifact_id] = given["input"]
        sequence = {"latestArtifact": None}
        return {"createArtifact": {"artifact": {"id": artifact_id, "state": "PENDING", "artifactSequence": sequence}}}

    def _CreateArtifactManifest(self, given: Answer) -> Answer:
        name = f"{given['artifactID']}/{given['name']}"
        file = {"id": name, "uploadUrl": self._address(name), "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": given["artifactID"], "file": file}}}

    _UpdateArtifactManifest = _CreateArtifactManifest

    def _CreateArtifactFiles(self, given: Answer) -> Answer:
        nodes = [
            {
                "storagePath": file["name"],
                "uploadUrl": self._address(f"{file['artifactID']}/{file['name']}"),
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
                "artifact": {"id": file["artifactID"]},
            }
            for file in given["input"]["artifactFiles"]
        ]
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}

    def _CommitArtifact(self, given: Answer) -> Answer:
        return {"commitArtifact": {"artifact": {"id": given["artifactID"], "digest": ""}}}

    def _GetProjects(self, given: Answer) -> Answer:
        project = {
            "id": "P",
            "name": PROJECT,
            "entityName": ENTITY,
            "createdAt": "2026-01-01T00:00:00Z",
            "isBenchmark": False,
            "user": None,
        }
        return {"models": _page([{"node": project, "cursor": "P"}])}

    def _ProjectViews(self, given: Answer) -> Answer:
        edges = [{"node": {"id": i, "name": i, **view}, "cursor": i} for i, view in self.views.items()]
        return {"project": {"allViews": _page(edges)}}

    def _upsertView(self, given: Answer) -> Answer:
        view_id = given["id"] or f"V{len(self.views)}"
        self.views[view_id] = {name: given[name] for name in ("displayName", "spec", "entityName", "projectName")}
        project = {"id": "P", "name": given["projectName"], "entityName": given["entityName"]}
        view = {"id": view_id, "displayName": given["displayName"], "spec": given["spec"], "project": project}
        return {"upsertView": {"view": view, "inserted": not given["id"]}}

    def _address(self, name: str) -> str:
        return f"{self.url}/storage/{name}"

    def streamed(self, run_id: str, sent: Answer) -> None:
        """A part of a run's history, or its end."""
        history = (sent.get("files") or {}).get("wandb-history.jsonl") or {"content": []}
        self.runs[run_id]["history"] += map(json.loads, history["content"])
        if sent.get("complete"):
            self.runs[run_id]["state"] = "finished"

    def app(self) -> Flask:
        app = Flask(__name__)

        @app.post("/graphql")
        def graphql() -> Response:
            sent = request.get_json()
            operation = re.search(r"(?:query|mutation)\s+(\w+)", sent["query"])
            name = operation[1] if operation else sent["query"]
            given = sent.get("variables") or {}
            if given.get("entity", ENTITY) != ENTITY and name == "UpsertBucket":
                refused = jsonify(errors=[{"message": f"entity {given['entity']} not found during upsertBucket"}])
                refused.status_code = 404
                return refused
            return jsonify(data=self.answer(name, given))

        @app.post("/files/<entity>/<project>/<run>/file_stream")
        def stream(entity: str, project: str, run: str) -> Response:
            self.streamed(run, request.get_json())
            return jsonify({})

        @app.put("/storage/<path:name>")
        def upload(name: str) -> Response:
            self.files[name] = request.get_data()
            return jsonify({})

        return app


def _page(edges: list[Answer]) -> Answer:
    return {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}


@contextmanager
def wandb_server() -> Iterator[WandbServer]:
    server = WandbServer()
    running = make_server("127.0.0.1", 0, server.app(), threaded=True)
    server.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        running.shutdown()
        thread.join()

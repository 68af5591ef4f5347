"""How a grid was made, and whose recordings it used: what stands at the end of the report."""

from collections.abc import Iterator
from typing import Any

from analysis.recipe import NOTHING
from har_ray.data.account import account_lines
from har_ray.store.results import Row

MADE = ("command", "grid_path", "grid_hash", "git_commit", "har_ray_version", "machine")


def facts(info: Row) -> dict[str, str]:
    """By name; what is not recorded is `unknown`, a run that goes on has `not yet` finished."""
    found = {name.replace("_", " "): _text(info.get(name)) for name in MADE}
    found["git commit"] = _commit(info)
    found |= {"started at": _text(_starts(info)[0].get("started_at"))}
    if len(_starts(info)) > 1:
        found["started again at"] = "; ".join(map(_again, _starts(info)[1:]))
    found["finished at"] = str(info.get("finished_at") or "not yet")
    versions = info.get("versions") or {}
    found["versions"] = ", ".join(f"{name} {version}" for name, version in versions.items()) or "unknown"
    return found | dict(_recordings(info))


def grid_said(grid: Row) -> Row:
    """What a grid says, without keys that say nothing and entries' keys by which nothing is done.

    Example:
        >>> grid_said({"teacher": None, "variants": [{"name": "LM", "losses": {}, "augment": {"rotation": {}}}]})
        {'variants': [{'name': 'LM', 'augment': {'rotation': {}}}]}
    """
    return {key: _said(value) for key, value in grid.items() if value not in NOTHING}


def _said(value: Any) -> Any:
    """Of a section or a list of entries; below them only null says nothing: `rotation: {}` is a rotation."""
    if isinstance(value, list):
        return [_said(one) for one in value]
    if isinstance(value, dict):
        return {key: _known(part) for key, part in value.items() if part not in NOTHING}
    return value


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(part) for key, part in value.items() if part is not None}
    return [_known(part) for part in value] if isinstance(value, list) else value


def _text(value: object) -> str:
    return "unknown" if value is None else str(value)


def _commit(start: Row) -> str:
    return _text(start.get("git_commit")) + (" with uncommitted changes" if start.get("git_dirty") else "")


def _starts(info: Row) -> list[Row]:
    """From the first on; one, where the grid was made before they were recorded."""
    return info.get("starts") or [info]


def _again(start: Row) -> str:
    return f"{_text(start.get('started_at'))} (commit {_commit(start)}, grid {_text(start.get('grid_hash'))})"


def _recordings(info: Row) -> Iterator[tuple[str, str]]:
    """Of each dataset once: what it is, its terms, and what its authors ask to be cited."""
    for entry in info.get("data") or []:
        about = entry.get("about") or {}
        texts = [about.get("title"), about.get("homepage")]
        texts += [
            f"{word}: {about[name]}" for word, name in (("terms", "terms"), ("cite", "citation")) if name in about
        ]
        name = entry.get("dataset", "unknown")
        yield f"recordings: {name}", ". ".join(filter(None, texts)) or "unknown"
        settings = [one for one in info["data"] if one.get("dataset", "unknown") == name]
        left_out = dict.fromkeys(f"{n:,} × {why}" for one in settings for why, n in (one.get("rejects") or {}).items())
        if left_out:
            yield f"left out of {name}", "; ".join(left_out)
        for one in settings:
            if account := one.get("account"):
                yield f"windows of {name}, {one['preset']}", "; ".join(account_lines(account))
        warnings = dict.fromkeys(_warning(row) for one in settings for row in one.get("findings") or ())
        if warnings:
            yield f"to doubt in {name}", " | ".join(warnings)


def _warning(finding: Row) -> str:
    return f"{finding['where']}: {finding['text']}; {finding['remedy']}"

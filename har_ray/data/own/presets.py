"""The section `presets` of a descriptor: how its recordings are cut."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo

from har_ray.data.dataset import Align, LabelRule
from har_ray.data.own.section import Section
from har_ray.data.own.timing import Rate
from har_ray.data.windows import samples
from har_ray.errors import unknown


def _known_channel(name: str, info: ValidationInfo) -> str:
    known: Mapping[str, Any] = (info.context or {}).get("channels", {})
    if known and name not in known:
        raise ValueError(unknown("channel", name, known))
    return name


def _whole(seconds: float, info: ValidationInfo) -> float:
    rate_hz = info.data.get("rate_hz") or (info.context or {}).get("rate_hz")
    if rate_hz:
        samples(seconds, rate_hz)
    return seconds


Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False), AfterValidator(_whole)]
ChannelName = Annotated[str, AfterValidator(_known_channel)]


class PresetSection(Section):
    """How the recordings are cut, as `har_ray.data.dataset.Preset`; by default all channels at the files' rate."""

    rate_hz: Rate | None = None  # before the lengths, which are checked against it
    window_s: Seconds
    stride_s: Seconds
    channels: Annotated[tuple[ChannelName, ...], Field(min_length=1)] | None = None
    label_rule: LabelRule = "pure"
    null_class: bool = False
    align: Align = "as-recorded"


def context(content: Mapping[str, Any]) -> dict[str, Any]:
    """What presets are checked against, from the YAML as it stands, so that all errors are found together."""
    sources, rate_hz = content.get("sources"), content.get("rate_hz")
    parts = [content, *(sources.values() if isinstance(sources, dict) else ())]
    channels = [part.get("channels") for part in parts if isinstance(part, dict)]
    is_rate = isinstance(rate_hz, int | float) and not isinstance(rate_hz, bool) and rate_hz > 0
    return {
        "channels": {str(name): None for some in channels if isinstance(some, dict) for name in some},
        "rate_hz": rate_hz if is_rate else None,
    }

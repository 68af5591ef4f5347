"""What was published, as numbers: by the reproduced study, and of a dataset by those who recorded it.

Source of the former: Agac and Durmaz Incel, "Boosting the performance of lightweight HAR models with attention and
knowledge distillation", Intelligent Environments 2024, doi 10.1109/IE61493.2024.10599908; read off its figures. One
seed, windows split at random.
"""

from typing import NamedTuple

from har_ray.groups import Setting
from har_ray.variants import BASELINE

DOI = "10.1109/IE61493.2024.10599908"


class Model(NamedTuple):
    """Macro F1 and accuracy in percent, parameters and FLOPs by the study's count, of one of its networks."""

    f1_macro: float
    accuracy: float
    params: int
    flops_published: int


class Change(NamedTuple):
    """From LM to another network: macro F1 and accuracy in points, parameters and FLOPs in percent."""

    f1_macro: float
    accuracy: float
    params: float
    flops_published: float


MODELS = {
    "opportunity": {"LM": Model(68.17, 74.49, 9_037, 450_000), "MM": Model(72.16, 78.16, 23_657, 1_677_600),
                    "OM": Model(80.51, 84.75, 816_337, 100_512_000)},
    "wisdm": {"LM": Model(82.02, 86.78, 1_770, 13_920), "MM": Model(86.65, 89.66, 6_574, 50_880),
              "OM": Model(91.69, 92.98, 393_030, 2_987_520)},
    "sensors": {"LM": Model(96.90, 96.83, 7_987, 932_400), "MM": Model(98.20, 98.02, 26_687, 3_506_400),
                "OM": Model(99.61, 99.60, 1_414_087, 211_910_400)},
}  # fmt: skip
CHANGES = {
    "opportunity": {"LM-Att": Change(5.02, 4.79, 1.55, 38.19), "RB-KD": Change(4.45, 4.04, 0.00, 0.00),
                    "RB-KD-Att": Change(6.27, 5.16, 0.22, 1.78), "RAB-KD": Change(6.31, 5.53, 0.66, 20.89)},
    "wisdm": {"LM-Att": Change(3.89, 1.80, 3.39, 20.33), "RB-KD": Change(1.42, 0.58, 0.00, 0.00),
              "RB-KD-Att": Change(4.58, 2.53, 6.78, 37.14), "RAB-KD": Change(4.97, 3.03, 3.39, 40.30)},
    "sensors": {"LM-Att": Change(0.47, 0.39, 0.00, 8.92), "RB-KD": Change(-0.43, -0.40, 0.00, 0.00),
                "RB-KD-Att": Change(1.63, 1.58, 1.50, 38.89), "RAB-KD": Change(2.00, 1.98, 0.25, 1.78)},
}  # fmt: skip

PRESETS = ("paper", "published")
"""Windows of the published shapes; Opportunity's `published` are also cut as the study's code does."""


BY_SUBJECT = {
    "spar": "87.3 % accuracy by subject, a random forest on engineered features and windows of 4 s (arXiv 1802.01489)",
}
"""What a dataset's publication reports of people whom its model has not seen."""


def is_published(setting: Setting) -> bool:
    """Whether the study has results of such windows and such a split (`random`)."""
    return setting.dataset in MODELS and setting.preset in PRESETS and setting.leaks


def change(setting: Setting, variant: str) -> Change | None:
    """The published change against LM; None where there is none."""
    if not is_published(setting) or variant == BASELINE:
        return None
    if variant in CHANGES[setting.dataset]:
        return CHANGES[setting.dataset][variant]
    model, lm = MODELS[setting.dataset].get(variant), MODELS[setting.dataset][BASELINE]
    if model is None:
        return None
    costs = (100 * (getattr(model, cost) / getattr(lm, cost) - 1) for cost in ("params", "flops_published"))
    return Change(model.f1_macro - lm.f1_macro, model.accuracy - lm.accuracy, *costs)


def model(setting: Setting, variant: str) -> Model | None:
    """What was published of a variant: its own numbers, or LM's with its changes; None where there is nothing."""
    if not is_published(setting):
        return None
    lm, changed = MODELS[setting.dataset][BASELINE], change(setting, variant)
    if changed is None:
        return lm if variant == BASELINE else None
    counts = (round(getattr(lm, cost) * (1 + getattr(changed, cost) / 100)) for cost in ("params", "flops_published"))
    return Model(lm.f1_macro + changed.f1_macro, lm.accuracy + changed.accuracy, *counts)


def by_subject(setting: Setting) -> str | None:
    """What was published of the dataset for people not trained on; only where that is what this setting tests."""
    if setting.leaks or setting.known_people:
        return None
    return BY_SUBJECT.get(setting.dataset)

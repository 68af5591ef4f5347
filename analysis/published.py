"""What was published, as numbers: by the reproduced study, and of a dataset by those who recorded it.

Source of the former: Agac and Durmaz Incel, "Boosting the performance of lightweight HAR models with attention and
knowledge distillation", Intelligent Environments 2024, doi 10.1109/IE61493.2024.10599908; read off its figures. One
seed, windows split at random.
"""

from har_ray.groups import Setting

DOI = "10.1109/IE61493.2024.10599908"

F1_CHANGE_PP = {
    "opportunity": {"LM-Att": 5.02, "RB-KD": 4.45, "RB-KD-Att": 6.27, "RAB-KD": 6.31, "MM": 3.99, "OM": 12.34},
    "wisdm": {"LM-Att": 3.89, "RB-KD": 1.42, "RB-KD-Att": 4.58, "RAB-KD": 4.97, "MM": 4.63, "OM": 9.67},
    "sensors": {"LM-Att": 0.47, "RB-KD": -0.43, "RB-KD-Att": 1.63, "RAB-KD": 2.00, "MM": 1.30, "OM": 2.71},
}
"""Change of the test macro F1 against LM, in percentage points."""

PRESETS = ("paper", "published")
"""Windows of the published shapes; Opportunity's `published` are also cut as the study's code does."""


BY_SUBJECT = {
    "spar": "87.3 % accuracy by subject, a random forest on engineered features and windows of 4 s (arXiv 1802.01489)",
}
"""What a dataset's publication reports of people whom its model has not seen."""


def f1_change_pp(setting: Setting, variant: str) -> float | None:
    """The published change against LM, only for windows of `PRESETS` and the published split (`random`)."""
    if setting.preset not in PRESETS or not setting.leaks:
        return None
    return F1_CHANGE_PP.get(setting.dataset, {}).get(variant)


def by_subject(setting: Setting) -> str | None:
    """What was published of the dataset for people not trained on; only where that is what this setting tests."""
    if setting.leaks or setting.known_people:
        return None
    return BY_SUBJECT.get(setting.dataset)

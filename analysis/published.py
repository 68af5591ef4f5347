"""What the reproduced study published, as numbers.

Source: Agac and Durmaz Incel, "Boosting the performance of lightweight HAR models with attention and knowledge
distillation", Intelligent Environments 2024, doi 10.1109/IE61493.2024.10599908; read off its figures. One seed,
windows split at random.
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


def f1_change_pp(setting: Setting, variant: str) -> float | None:
    """The published change against LM, only for windows of `PRESETS` and the published split (`random`)."""
    if setting.preset not in PRESETS or not setting.leaks:
        return None
    return F1_CHANGE_PP.get(setting.dataset, {}).get(variant)

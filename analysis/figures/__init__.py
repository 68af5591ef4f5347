"""The report's figures: bubble charts, learning curves, confusion matrices; each as PNG and SVG."""

from har_ray.variants import FAMILIES

COLOURS = dict(zip(FAMILIES, ("#555555", "#0072B2", "#D55E00", "#009E73", "#CC79A7"), strict=True))
"""By family of variants; distinct with every common colour blindness (Okabe and Ito 2008, jfly.uni-koeln.de/color)."""

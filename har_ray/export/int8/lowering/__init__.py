"""From PyTorch's operations to operators of TensorFlow Lite: `lower` walks them, one module knows each family.

A module registers what it knows by `@lowers(operation, …)`; what nobody knows is refused by name.
"""

from har_ray.export.int8.lowering import elementwise, product, recurrent, reduction, shape
from har_ray.export.int8.lowering.walk import lower

__all__ = ["elementwise", "lower", "product", "recurrent", "reduction", "shape"]

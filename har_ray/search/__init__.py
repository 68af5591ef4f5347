"""Ray Tune: cells as trials, successive halving in groups, the stages of a grid."""

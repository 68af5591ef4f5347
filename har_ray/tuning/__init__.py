"""Ray Tune: cells as trials, ASHA in groups, the stages of a grid."""

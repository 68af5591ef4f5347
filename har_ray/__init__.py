"""Which small model for the watch? Distillation and attention experiments for wearable HAR, on Ray."""

__version__ = "0.2.0"

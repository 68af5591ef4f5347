"""The report's figures: bubble charts, learning curves, confusion matrices; each as PNG and SVG."""

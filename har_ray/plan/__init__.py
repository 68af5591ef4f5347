"""What follows from a grid: its variants, candidates, cells and jobs. Nothing is computed here."""

"""What the speed claims rest on: each module prints ratios from one run, side by side with a named alternative."""

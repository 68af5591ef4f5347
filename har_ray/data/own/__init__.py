"""A user's own recordings: files of many kinds, described by a short YAML file, as a dataset like any other."""

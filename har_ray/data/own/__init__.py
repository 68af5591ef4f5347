"""A user's own recordings: text, Parquet, spreadsheets, ... described by a short YAML file, as a dataset like any other."""

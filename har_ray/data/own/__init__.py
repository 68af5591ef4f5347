"""A user's own recordings: CSV or Parquet files described by a short YAML file, as a dataset like any other."""

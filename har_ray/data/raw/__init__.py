"""A dataset's raw files: downloaded, unpacked, identified."""

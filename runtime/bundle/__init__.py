"""A runtime version as files: packed, read as data, judged and compared, before a line of it ever runs."""

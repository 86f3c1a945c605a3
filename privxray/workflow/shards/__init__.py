"""A check on several machines that share nothing but a disk: its key, its shards, and the files they write.

``job_key`` and ``part_file`` are the key and the files, ``shard_files`` says which files belong to a shard,
``part_set`` whether some parts make a whole. ``check_terms`` and ``check_results`` are the two arrays of a
check. docs/adr/0118 says why it is done like this.
"""

"""A hospital's steps: join, ingest, train, export, accept, evaluate, predict, and its budget."""

"""A hospital's own training in a round: what it costs, a rehearsal of it, and the training itself."""

"""What a file or folder may be called in public, words that name nobody, and patients, whom nothing names."""

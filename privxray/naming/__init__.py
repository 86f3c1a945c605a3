"""What a file or folder may be called in public, and the words that name nobody."""

"""What a file or folder may be called in public, and which words name nobody."""

"""The pages that a hospital gets of its training. They hold patients' data, and stay inside."""

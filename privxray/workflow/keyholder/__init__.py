"""A keyholder's step: unmask."""

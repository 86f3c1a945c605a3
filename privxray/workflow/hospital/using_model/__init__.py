"""What a hospital does with a model on its own images: evaluate it, and predict with it."""

"""What a hospital does for hybrid masks: it agrees on secrets once, and keeps them round by round."""

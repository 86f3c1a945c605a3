"""DP-SGD of a small network or a ResNet-18, in rounds."""

"""DP-SGD (Abadi et al. 2016) of a small network or a ResNet-18, in rounds, with the patient as the unit."""

"""What a hospital gives of a task that only counts patients: one noisy answer, charged like a training.

``contribution`` charges, draws and keeps it, whatever is counted. ``describe`` counts patients by class,
age and sex; ``evaluate_together`` counts the scores of held-out patients.
"""

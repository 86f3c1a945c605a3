"""What a rule is called and says, and what a check hands back. Nothing is judged here."""

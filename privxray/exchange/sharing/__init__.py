"""Secrets dealt to keyholders: the committee, Shamir shares, and what each box is bound to."""

"""What the parties exchange: plans, masked updates, global models, and the rules by which each is accepted.

Everything but :mod:`~privxray.exchange.intake`, which copies a file in before it is looked at, works on bytes
and headers alone.
"""

"""What to do next: the one place that decides it, for ``status`` and for the closing line of every command.

``look`` gathers the facts of a workspace as a ``situation``, and changes nothing. ``advise`` decides by these
facts alone, role by role: ``hospital_advice``, ``trustee_advice``, ``coordinator_advice``. ``closing_line``
says what a command ends with.
"""

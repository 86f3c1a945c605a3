"""How a coordinator makes a plan: who takes part, on which terms, and how the plan is signed and leaves."""

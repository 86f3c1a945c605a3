"""The pages that a coordinator gets of its study. Nothing of a patient is in them; they may be passed on."""

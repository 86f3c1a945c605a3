"""The linear probe: a private softmax head over frozen features, in one round."""

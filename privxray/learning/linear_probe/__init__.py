"""The linear probe: a softmax head over frozen features, trained with privacy in one round."""

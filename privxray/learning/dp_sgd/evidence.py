"""Where in a picture a network of dp-sgd saw a class, by gradients: an approximation, and told as such.

Of a network that sees maps (``lite2-head``) it is gradient times input, summed over the channels (Shrikumar
et al. 2016, "Not just a black box", section 2), and of the mirror image turned back. Of one that sees pixels
it is the size of the gradient (Simonyan et al. 2014, "Deep inside convolutional networks", section 3), as a
mean over small fields.

Tested in tests/unit/test_evidence.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from privxray.learning.constants import DpSgdConstants
from privxray.learning.dp_sgd.network_inputs import MapInputs, inputs_of
from privxray.learning.dp_sgd.networks import network
from privxray.learning.interface import Tensors
from privxray.privacy.clipping import Floats

FIELDS = 16
"""Fields a side that gradients of pixels are averaged over."""


def evidence(
    model: Tensors, constants: DpSgdConstants, row: NDArray[Any], chosen: int, classes: int
) -> Floats:
    """[h, w] how much each place speaks for a class, positive where it does; of pixels never negative.

    :param row: one image in the form that the method takes.
    :param chosen: the number of the class. :param classes: how many there are.
    """
    classifier, form = network(constants.network, model, classes), inputs_of(constants)
    fields = []
    for place, view in enumerate(form.for_prediction(row[None])):
        seen = view.clone().requires_grad_()
        logits = classifier(seen)[0]
        (gradient,) = torch.autograd.grad(logits[chosen] - logits.mean(), seen)
        if isinstance(form, MapInputs):
            field = (gradient * seen.detach())[0].sum(dim=0).numpy()
            fields.append(field[:, ::-1] if place else field)
        else:
            sizes = torch.nn.functional.adaptive_avg_pool2d(gradient.abs()[0], FIELDS)
            fields.append(sizes[0].numpy())
    return np.asarray(np.mean(fields, axis=0), np.float64)

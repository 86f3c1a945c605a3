"""privxray: several hospitals train one chest X-ray classifier by carrying files.

The package follows the way of the data, and imports run one way along it::

    errors <- formats <- keys <- {deid, imaging, privacy, exchange} <- {learning, inference}
        <- workflow <- cli <- demo

``deid`` checks that images are de-identified and makes copies that are, ``imaging`` takes them in,
``privacy`` accounts for and draws the noise, ``learning`` trains, ``exchange`` seals, masks, verifies and
sums what travels, ``inference`` answers about encrypted images, ``workflow`` does what one command does,
``cli`` is what a person types, and ``demo`` plays a whole study. No module opens a network connection.
"""

__version__ = "0.1.0"

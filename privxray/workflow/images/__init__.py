"""Steps on folders of images that need no study: deidentify, the search for text, and the page of a check."""

"""DICOM bytes to data elements and back; what the elements say is judged elsewhere."""

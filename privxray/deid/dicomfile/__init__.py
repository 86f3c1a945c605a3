"""DICOM bytes to data elements and back, without an opinion on what they say."""

"""May this description stay? Only where every word of it is a known term of radiography.

The Clean Descriptors Option (PS3.15 E.3.5) allows text that identifies nobody. No program can tell that of
free text, so the question is turned round. A short text that consists of nothing but terms from the list
below, and at most one small number, holds no name, no date and no record number. Everything else is treated
as if the option had not been taken.

The terms are anatomy, projections, positions, techniques and the words between them. Months, and terms that
are also names in some language (Lat, Page, Rose), are not in it, however common they are.
"""

from __future__ import annotations

import re
from functools import cache

MAX_LENGTH = 64
"""Longest text that may stay."""

_TERMS = """
    and at for in of or to
    abd abdomen abdominal acetabulum acromioclavicular adult aec airway ankle antegrade anterior
    anteroposterior ap apical arm arterial arthrography ax axial axis axr baby barium bedside bilateral biopsy
    bladder bone bones both bowel brain breast bronchial bw ca calcaneus calibration cardiac carotid carpal
    cataract catheter cc cervical chest child clavicle coccyx colon column complete compression contrast
    coronal cortical coronary cr cranial cross ct cta cxr decubitus delayed dental detail diagnostic diaphragm
    digital distal dorsal dr dual dx dynamic elbow enema energy enhanced erect esophagus exam examination
    expiration exposure extension extremity eye face facial fast fat femur fibula film finger flair flexion
    fluoro fluoroscopy follow foot forearm fov frontal full gallbladder gastric grid hand head heart heel high
    hip hips humerus hysterosalpingography ileum iliac image images implant infant inferior inlet inspiration
    intravenous inverted iv jaw joint joints kidney kidneys knee knees kub kv kvp landscape lao larynx lateral
    left leg legs lesion limited liver localizer lower lpo lumbar lumbosacral lung lungs magnification
    mammogram mammography mandible mandibular mas maxilla maxillary medial median metacarpal metatarsal mg mlo
    mobile monochrome mr mra mri multi myelography nasal navicular neck neonate nipple nm no non normal
    oblique occipital odontoid olecranon on one orbit orbits oropharynx ot outlet overview pa paediatric
    palate pancreas panoramic paranasal patella patellae pediatric pelvis perfusion phalanx pharynx phase
    plain portable portrait position post posterior posteroanterior pre preliminary processed projection prone
    protocol proximal px quality radiograph radiography radius rao raw recon rectum renal repeat rf rib ribs
    right routine rpo sacral sacroiliac sacrum sagittal scaphoid scapula scout screening sella semi series
    shoulder shoulders side sigmoid single sinus sinuses sitting skull skyline soft spine spleen spot stack
    standard standing stent sternum stomach stress subtraction superior supine supraspinatus survey swallow
    talus tangential tarsal temporal the thigh thoracic thoracolumbar thorax thumb thyroid tibia tissue toe
    toes tomography trachea transverse trauma tube two ulna ultrasound unilateral unspecified upper upright
    urethra urinary urography us uterus venous ventral vertebra vertebral view views voiding wb weight with
    without wrist xa xr xray zygoma
"""
_SHAPE = re.compile(r"[A-Za-z0-9 _/.,()+&:-]*")
_TOKEN = re.compile(r"[A-Za-z]+|[0-9]+")
_MAX_DIGITS = 2


def is_safe(value: bytes) -> bool:
    """Whether a description may stay: ASCII, at most :data:`MAX_LENGTH` characters, and only known terms."""
    try:
        text = value.decode("ascii").strip(" \0")
    except UnicodeDecodeError:
        return False
    if len(text) > MAX_LENGTH or not _SHAPE.fullmatch(text.replace("\\", " ")):
        return False
    tokens = _TOKEN.findall(text)
    numbers = [token for token in tokens if token.isdigit()]
    if len(numbers) > 1 or any(len(number) > _MAX_DIGITS for number in numbers):
        return False
    return all(token.isdigit() or len(token) == 1 or token.lower() in _terms() for token in tokens) and (
        # single letters are sides and levels (L, R, T); spelled-out words would need more of them
        sum(len(token) == 1 and token.isalpha() for token in tokens) <= 2
    )


@cache
def _terms() -> frozenset[str]:
    return frozenset(_TERMS.split())

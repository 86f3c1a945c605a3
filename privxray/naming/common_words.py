"""Words that name nobody, so a path made of them may be printed (:mod:`privxray.naming.public_names`).

The base is the English list of BIP-39: 2,048 short common words, which is installed anyway for the key words.
Words that are also given names, family names or months are taken out of it. Words that people and programs
use for image files and folders are added.
"""

from __future__ import annotations

from functools import cache

from mnemonic import Mnemonic

_TECHNICAL = """
abdomen accepted after ankle annotated annotation anon anonymised anonymized anonymous answer archive ascii
atelectasis axial bacteria bacterial bad baseline batch before benchmark big bigend bilder bildern bitmap body
bone bones broken burned camera card cardiac cardiomegaly case cases charset checked chest child class classes
clean cleaned cleaning cohort collection color colour comment compressed computed consolidation control copied
copies coronal corrupt corrupted count covid cropped crossing cube data database dataset deep defaced deflate
deflated deid deident deidentification deidentified demo depth descriptors destination detector dicom dicomdir
digital dirty disk document documents done double dummy duplicate edema effusion elbow emphysema empty
encapsulated encoded endian error example examples excluded exif explicit explvr export exported exports
external failed fails female fibrosis film final finger flat folder folders fracture frame frames frontal good
group groups hand hands header headers hernia hidden high holdout hospital hospitals identified image imagery
images implicit implvr import imported inbox included incoming index infiltration inner input instance
instances internal invalid inverted item items jpeg jpegls knee kopien label labelled labels large last
lateral layer leak leaks length level lite litend little lossless lossy lung lungs male manifest mask masked
mass medical meta metadata metafile missing mixed mnist model monochrome multi multiframe name named names
negative nested network new nodule normal notes odd okay old opacity ordner original originals other out outer
output outputs overlay overlays padded padding palette parent patient patients pelvis person persons phantom
photo picture pictures pixel pixels plain planar pleural pneumonia pneumothorax portable posterior preamble
prepared present private processed profile pseudo pseudonym pseudonymised pseudonymized public quality
radiograph radiographs radiography random readable ready recommended record records reference rejected release
removed report reports resized resolution results rgb right roentgen rtdose rtplan rtstruct safe sagittal
sample samples scan scans scout screen secret sequence sequences series shallow shared shoulder simple single
site sites skull slice slices small sorted source spine split splits standard stick structured studies study
subject subjects subset supine synthetic tags target temp temporary test testing tests text thickening thorax
thumb thumbnail tiny trailer trailing train training transfer transferred trial truncated tuberculosis unclean
uncompressed unknown unlabeled unlabelled unreadable unsafe upload uploads upright valid validation verified
version video view views viral virus viruses volume waveform website wide workspace wrist wrong xray xrays ybr
zero zeros zipped
"""

_OWN = """
agreement candidacy coordinator findings global html identity plan query refusal request revocation
safetensors succession summary trustee waiver yaml
"""  # what privxray itself calls files

_ALSO_NAMES = """
april august autumn banner barrel bean bird black blossom brown cannon carbon cash chase cherry clay cliff
coach coin cook coral crane cross cruise crystal daring dawn eagle faith fall farm fiber fish flower forest
fox frost garden ginger glide glory gold grace grant green grit hero hill hockey honey hope hub hunt ivory
jacket jazz jewel joy judge kite lake leaf lion long love mango marble marine melody mercy merit miracle
moon neither nest noble north olive page parade patrol pepper pilot pony price prosper rain rebel rich river
rose sand scout shadow silver snow song spring stand stone summer sunny swift sword tiger venture victory
violin wagon walnut west wheat will wink winter wise wolf wood young
"""

_SHORT_NAMES = """
abe ada al ali amy an ana ann apr art aug ava bao ben bob cao dan deb dec don du eli ella emi eva eve fay
feb fu gao gil guo gus guy ha han he ho hu hua hue ian ida ike ines ira ivy jan jay jed jen jet jia jim jin
jo joe jon joy jul jun kai kay ken kim kit ku lam lan lao lea lee len leo les lev lex li lin liu liv liz lou
lu lum ly mae mai mao mar max may meg mei mia min mo nan ned ng nia noa nov oct oda oh ole pam pan pat peg
pei qi qin ray ren rex rob rod roe ron ros roy sal sam sep sid sky sue sun tad tan tao ted tia tim tom ty
uma van vic vu wan wei wu xi xia xie xin xu yan yang ye yi yin yu yue zac zed zeng zhu zoe
"""


@cache
def neutral_words() -> frozenset[str]:
    """Words in lower case that name nobody, with their plurals."""
    listed = frozenset(Mnemonic("english").wordlist) - frozenset(_ALSO_NAMES.split())
    plurals = {word + ending for word in listed for ending in ("s", "es")}
    return (listed | plurals | frozenset((_TECHNICAL + _OWN).split())) - short_names()


@cache
def short_names() -> frozenset[str]:
    """Common names of at most four letters, and the abbreviations of the months, in lower case."""
    return frozenset(_SHORT_NAMES.split())

"""Writes privxray/deid/values/tables/vocabulary.txt: the words that are terms of the field.

    python tests/benchmarks/vocabulary.py

Sources: the names of the attributes and UIDs of PS3.6, the code meanings of PS3.16 (both as pydicom has
them), the defined terms of privxray/deid/values/tables, and a list of technical and general words below. A
word that is also a common name is left out, unless an attribute, a defined term or that list has it.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from name_chances import LATIN
from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._uid_dict import UID_dictionary

from privxray.deid.cleaning.elements import descriptors
from privxray.deid.values.defined_terms import code_meanings
from privxray.deid.values.printable import folded
from privxray.naming import common_words

TABLES = Path(__file__).parents[2] / "privxray/deid/values/tables"
_WORD = re.compile(r"[^\W\d_]{2,}")

TECHNICAL = """
    a about above abs absent academic accelerated acq acquired adaptive adc add added additional adult adv
    advanced after against air algorithm all also am analog and annotated annotation anon ant any apex
    aquilion are area arrhythmia art artefact artifact as asc asir asset at atten auto automated average
    avg axis b background band bands barium base basic batch be beam been before begin beginning below
    best between bin binned bits blade body bolus boneplus bottom box brady breath breathhold brightspeed
    brilliance brivo bright buffer build by bytes calc calibrated came can canceled cannot card cassette
    cc ccd center centre chan channel channels check choice cine circle clinic clinical clip close co code
    coded coil coils color colour com comb comments common compressed computed con cone config console
    const continuous contrast conv converted convolution copy core corr corrected correction could count
    created crop ct curve custom cut cycle dark data dataset date db dc dcm dead decompressed deep default
    degree degrees delay delta demo demonstration density depth der derived desc description detail
    detected detector dev device diag diagnostic diam did diff differential digital dim dir direct disc
    discovery disk display do dose dot down dr drive dual dummy during dyn each early ec echo echoes edge
    edit edited eff electronics elevation empty enable enabled encoded end engine enh enhance enhanced
    enhancement entire eos epi equal error es est etc even evaluation every ex example excel expert
    exposed exposure ext external extra factor false fast fat fatsat feet few ffe fft field file files
    filter final find fine first fix fixed flair flash flat flip flow foc focus for foot form format forms
    foundation frame frames free freq frequency from front full func function fused fusion gain gap gated
    gauss gaussian gbr gd general generated generator generic global good gradient graph gray grey grid
    group guide had half hard hardware has have head header healthcare height helical help here hi high
    hires his hold horizontal hospital hour hours how hr hypersense if iii image imager images imaging
    implementation in inc incl include included index inf info information ingenia initial inject injected
    injection inner input ins inst instance int intensity inter interactive interface internal interp
    interpolated into inv inverse inversion invert ir is isotropic it item iter iterative iv japan job
    jpeg just kernel kernels kev keep kit know lab label laboratory large laser last late later layer
    leads left length less level levels lib license light lightspeed like limit limits line linear list
    load loc local location log logarithmic long lossless lossy low lower lp lut m magnetic magnetom main
    make man manual map maps mark markers mask mass master mat match material matrix max maximum may mean
    med median medical medium mega memory merge message meta method mfg mid middle min minimum minute
    minutes minus mip mips mirror missing mix mixed mlem mm mobile mod mode model modified module monitor
    mono month months more most motion mov move mpr mprage multi multiband multiple name native near neg
    net network neutral new next nm no noise non none norm normal not note number nurse object observed
    obtained ocr of off offset ok old on one only onto open operator opt optima option optional or org
    orig original other out outer output over overlay overview own pack page pan par parallel parameters
    part partial pass passed patient pct peak per percent perform performed period pet phantom phase
    phased photo physical pics pix pixel pixels place plan plane plans plate plus point points port portal
    pos position post power pre precise preprocessed present presentation preset prev preview primary
    print private probe proc procedure process processed processing processor prod product profile program
    proj project projection propeller protocol prototype pulse q quality quick r radial rad random range
    rapid rate raw ray re read reader readout ready real rec received recon reconstructed reconstruction
    record recorded recorder red ref reference reformat reformatted reg region registered registration
    regular rel relative release removed repetition reproc research resample resampled reserved reset
    resolution resp respiratory rest result results ret retro rev reverse review revision rf rgb right rms
    roi rot rotate rotated rotation round row rows rt run runs safe sag sagittal same sample sampling sat
    saved scale scaled scaling scan scanned scanner scatter scheme screen script se sec second seconds
    section seen segment segmented select selected senographe sense sensor sensation seq sequence
    sequences serial series service session set setting settings setup shape sharp sharpness shield shift
    short shot should show shutter side sigma signa signal simple simulated simulation single site size
    skip slab slice slices slope slow small smart smooth smoothed smoothing so soft software solution
    solutions some somatom source space spacing span spatial spec special spectral speed spin spine spiral
    split spoiled spot sq square stack stand standard star start state static station status std step
    stereo stop storage strength string strong structure study sub subset subtract subtraction such sum
    super supply supplied support surface surv survey sw switch symphony syn sync syngo synth synthetic
    system systems table tag tags target task technique technologies technology temp temporal ten test
    tests text than that the their then there these thick thickness thin this three threshold through tile
    time timed timer times to tone tool top torso total tra track tracking training trans transfer
    transform transverse treatment tri trigger triggered true tse tube turbo twin two type typed ultra
    unaligned uncompressed under uniform unit units unknown until up update upper use used user using
    usual ut util utility valid value values var variable variant various vendor ver vers version vert
    vertical very via video view viewer views vision volume volumes voxel wand was water wave way we wedge
    week weeks weighted weighting well were what when where which while white whole wide width window
    windows wire with within without word work workstation would xenon year years yes yet you zero zone
    zoom avanto aera skyra prisma verio trio espree essenza allegra biograph vision confidence definition
    emotion perspective edge drive force achieva ingenuity intera gyroscan panorama precedence revolution
    optima lightspeed prodigy lunar adora definium genesis hispeed xpress innova integris allura artis zee
    azurion epiq affiniti acuson antares sequoia sonos logiq vivid voluson aplio toshiba canon eclipse
    pinnacle monaco xio oncentra cyberknife tomotherapy leksell gammaknife clinac truebeam elekta varian
    mosaiq raystation iplan brainlab siemens philips hitachi fujifilm fuji agfa kodak carestream konica
    minolta hologic shimadzu samsung medison mindray esaote aloka picker marconi elscint imatron acme gmbh
    ltd inc llc corporation corp company kg ag laboratories europe america usa nema acr rsna osirix dcmtk
    gdcm itk vtk matlab mathworks slicer dicom privxray annex omnipaque ultravist visipaque isovue
    iopamidol iohexol iodixanol iopromide magnevist gadovist dotarem prohance multihance omniscan gadavist
    gastrografin conray optiray xenetix iomeron
"""


def words(text: str) -> set[str]:
    """The words of a text, folded."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return {folded(word) for word in _WORD.findall(parted)} | {folded(word) for word in _WORD.findall(text)}


def vocabulary() -> tuple[list[str], list[str]]:
    """The words that are terms, and those that were left out because they are names as well."""
    firm = words(TECHNICAL) | words(descriptors._TERMS)
    for entry in (*DicomDictionary.values(), *RepeatersDictionary.values()):
        firm |= words(entry[2])
    for uid in UID_dictionary.values():
        firm |= words(uid[0])
    for table in ("defined_terms.toml", "manufacturers.toml"):
        for row in tomllib.loads((TABLES / table).read_text(encoding="utf-8")).values():
            for term in row["terms"]:
                firm |= words(term.replace("_", " "))
    loose: set[str] = set()
    for meaning in code_meanings():
        loose |= words(meaning)
    names = {*map(folded, LATIN.split()), *map(folded, GIVEN.split()), *common_words.short_names()}
    names |= set(common_words._ALSO_NAMES.split())
    listed = sorted(word for word in firm | (loose - names) if word.isascii() and len(word) > 1)
    return listed, sorted((loose - firm) & names)


def main() -> None:
    """Write the list."""
    listed, left_out = vocabulary()
    (TABLES / "vocabulary.txt").write_text("\n".join(listed) + "\n", encoding="ascii")
    print(f"{len(listed)} words; left out as names: {len(left_out)}: {' '.join(left_out)}")


GIVEN = """
    Aaron Abby Agnes Aidan Alexander Alice Alicia Amanda Amelia Amy Andrea Angela Anita Annette Anthony
    Antonio April Astrid Audrey Aurora Austin Ava Barry Beatrice Becky Ben Betty Beverly Bianca Bill Billy
    Blake Bob Bonnie Brad Brenda Brian Bridget Bruno Caleb Cameron Carla Carlos Carol Caroline Catherine
    Cecilia Chad Chelsea Cheryl Chloe Chris Christina Christine Christopher Cindy Clara Clarence Claudia
    Clifford Colin Connor Craig Crystal Curtis Cynthia Daisy Danielle Darren Dave Dawn Debbie Deborah
    Derek Diane Dominic Donald Donna Dorothy Douglas Drew Duncan Dylan Eileen Elaine Eleanor Elena Eli
    Elizabeth Ella Ellen Emily Erica Erin Ethan Eugene Eva Evan Eve Evelyn Faith Fiona Florence Frances
    Francis Gail Gareth Gary Gavin Gemma Geoffrey Georgia Gina Gloria Gordon Grace Greg Gregory Greta
    Hannah Harold Harry Harvey Hazel Heather Heidi Herbert Holly Hope Howard Hubert Hugh Ian Ingrid Irene
    Iris Irma Isaac Isabel Ivy Jack Jackie Jamie Janet Janice Jay Jeff Jeffrey Jennifer Jenny Jeremy
    Jerome Jerry Jesse Jessica Jill Jim Jimmy Joan Joanna Joe Joel Jonas Jonathan Joseph Josh Joshua Joy
    Joyce Juan Judith Judy Julian Julie June Justin Karen Katherine Kathleen Kathy Katie Keith Ken Kenneth
    Kevin Kim Kirsten Kyle Lance Larry Lauren Laurence Lee Leo Leonard Leslie Liam Lily Linda Lindsay
    Lloyd Logan Lois Lorenzo Louis Louise Lucy Luke Lydia Lynn Mabel Madison Maggie Marcel Marco Marcus
    Margaret Marie Marilyn Mario Marion Marjorie Marlene Martha Matthew Maureen Max Melanie Melissa Mia
    Michelle Mike Mildred Molly Monica Morgan Nancy Natalie Nathan Neil Nicholas Nick Nigel Noah Noel
    Norma Olivia Otto Owen Pablo Pamela Patricia Patrick Patsy Paula Pauline Pedro Peggy Peter Phyllis
    Rachel Ralph Ramon Randy Raymond Rebecca Regina Rene Rhonda Rick Rita Rob Robin Rodney Roger Roman Ron
    Ronald Rose Rosemary Roy Ruby Russell Sally Sam Samantha Samuel Sandra Sarah Sean Sebastian Seth Shane
    Sharon Shaun Sheila Shirley Sidney Sophie Spencer Stanley Stefan Stella Steve Steven Stuart Sue
    Suzanne Sylvia Tamara Tara Ted Teresa Terry Theodore Theresa Tim Timothy Todd Tom Tony Tracy Trevor
    Troy Tyler Ursula Valerie Vanessa Vernon Veronica Vincent Viola Virginia Vivian Wallace Walt Wanda
    Warren Wayne Wendy William Willie Winston Yvonne Zachary Adler Bauer Baumann Bernhard Braun Busch
    Dietrich Engel Frank Fuchs Gross Haas Hahn Hartmann Heinrich Herrmann Huber Kaiser Koch Kohler Konig
    Kraus Kruger Kuhn Lang Lange Lehmann Ludwig Maier Meier Moller Peters Pfeiffer Richter Roth Sauer
    Schafer Scholz Schreiber Schroder Schubert Schulte Schulz Schumacher Schuster Schwarz Seidel Simon
    Sommer Thiel Vogel Vogt Voigt Walther Weiss Werner Winkler Winter Wolf Wolff Ziegler Andersen
    Christensen Hansen Larsson Nielsen Olsen Pedersen Petersen Rasmussen Sorensen Dupont Durand Dubois
    Moreau Laurent Lefebvre Leroy Roux Girard Bonnet Lambert Fontaine Rousseau Blanc Guerin Faure Rossi
    Russo Bianchi Romano Colombo Ricci Marino Greco Conti Gallo Costa Giordano Rizzo Lombardi Moretti
    Gonzalez Rodriguez Fernandez Martinez Sanchez Gomez Ruiz Hernandez Torres Ramirez Flores Rivera Reyes
    Morales Ortiz Castillo Mendoza Vargas Santos Oliveira Souza Pereira Ferreira Alves Ribeiro Patel Khan
    Ahmed Ali Hassan Hussein Singh Sharma Gupta Das Rao Reddy Kowalski Nowak Novak Horvat Kovac Popov
    Ivanov Petrov Sato Suzuki Tanaka Watanabe Yamamoto Nakamura Kobayashi Kim Park Choi Jung Kang Wang
    Zhang Liu Zhao Huang Zhou Armstrong Atkinson Barker Barrett Bates Baxter Berry Black Booth Bowen Boyd
    Bradley Brooks Bryant Burke Burton Butler Campbell Carpenter Carroll Chambers Chapman Cohen Coleman
    Crawford Cunningham Dawson Dixon Duffy Dunn Elliott Ferguson Fitzgerald Fleming Fletcher Fowler Fox
    Freeman Gibson Gilbert Gould Griffin Griffiths Hamilton Harper Harrison Hawkins Hayes Holmes Hopkins
    Hudson Hughes Hunt Jenkins Johnston Knight Lawrence Lawson Little Lowe MacDonald Marsh Matthews May
    McCarthy McDonald Middleton Mitchell Morrison Murphy Murray Newman Osborne Palmer Parsons Payne
    Pearson Perkins Perry Phillips Poole Porter Potter Powell Quinn Reid Reynolds Rice Robinson Saunders
    Shaw Simmons Simpson Spencer Stevens Stewart Stone Sullivan Swan Thomson Thompson Tucker Watkins
    Watson Watts Webb Webster West Wheeler Willis Woods
"""


if __name__ == "__main__":
    main()

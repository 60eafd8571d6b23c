#!/bin/bash
# Everything that `mxf run --engine uio` needs compiles for 64-bit Arm without a
# warning; firmware/ as objects, the rest for its syntax and types. It shows nothing
# about running. Needs gcc-aarch64-linux-gnu. Run after `make build/gen/build_id.h`.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
cc=aarch64-linux-gnu-gcc
command -v $cc >/dev/null || { echo "aarch64.sh: $cc is missing: make deps installs it" >&2; exit 1; }
# Headers of libraries that Debian keeps by architecture, of this machine's.
here=/usr/include/$(cc -dumpmachine)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0
failed=0

compile() { # compile FILE OPTION...
  if $cc -std=c17 -Wall -Wextra -Wconversion -Wshadow -Werror -ffp-contract=off -I. -Ibuild/gen -idirafter "$here" \
      -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 "$@"; then passed=$((passed + 1))
  else failed=$((failed + 1))
  fi
}
for file in firmware/*.c firmware/linux/*.c; do compile "$file" -O2 -c -o "$out/object.o"; done
while read -r file; do compile "$file" -O1 -fsyntax-only; done < <(find golden compiler sim -name '*.c' | sort)
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]

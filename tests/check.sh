# Sourced by test scripts that print a line per case: sets dir (removed at the end),
# passed, failed, and pattern from $1.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0
pattern=${1:-}

# check NAME COMMAND...: passes if the command does; its output is kept for a failure.
# Only cases whose name matches the pattern are run.
check() {
  local name=$1
  shift
  [[ $name =~ $pattern ]] || return 0
  if "$@" >"$dir/log" 2>&1; then
    passed=$((passed + 1))
    printf 'ok    %s\n' "$name"
  else
    failed=$((failed + 1))
    printf 'FAIL  %s\n' "$name"
    sed 's/^/      /' "$dir/log" | tail -n 15
  fi
}

# The last line of a script: the count, and its exit code.
finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

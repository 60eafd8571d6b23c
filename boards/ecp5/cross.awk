# nextpnr's log: paths between two clocks must take no longer than a cycle of the fastest,
# as all come from one PLL. nextpnr only reports them; its last report counts.
/Max frequency for clock/ {
  if (match($0, /at [0-9.]+ MHz/)) {
    mhz = substr($0, RSTART + 3, RLENGTH - 7) + 0
    if (mhz > fastest) fastest = mhz
  }
}
/Max delay posedge .* -> posedge / {
  match($0, /: *[0-9.]+ ns/)
  ns = substr($0, RSTART + 1, RLENGTH - 4) + 0
  path = substr($0, 1, RSTART - 1)
  sub(/.*Max delay /, "", path)
  gsub(/ +/, " ", path)
  delay[path] = ns
}
END {
  if (!fastest) {
    print "cross.awk: no clock in nextpnr's report" > "/dev/stderr"
    exit 1
  }
  for (path in delay) {
    printf "%s: %.2f of %.2f ns\n", path, delay[path], 1000 / fastest
    if (delay[path] * fastest > 1000) {
      print "cross.awk: " path " takes " delay[path] " ns; a cycle of the faster clock is " 1000 / fastest " ns" > "/dev/stderr"
      failed = 1
    }
  }
  exit failed
}

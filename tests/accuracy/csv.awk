# Reads a row of accuracy.csv, whose method is in quotation marks, into f[1 .. 9];
# 0 for the line of names. Included by the other scripts with -f.
function row(f,    part, n) {
  if (NR == 1) return 0
  n = split($0, part, "\"")
  if (n != 3) { print "line " NR " is no row: " $0 >"/dev/stderr"; exit 2 }
  split(part[1], f, ",")
  f[6] = part[2]
  split(part[3], part, ",")
  f[7] = part[2]; f[8] = part[3]; f[9] = part[4]
  return 1
}
function loss(f) { return 100 * (f[8] / f[9] - 1) }
# "W4A8KV4" of a row's formats.
function short(f,    w, a, k) {
  w = f[2]; a = f[3]; k = f[4]
  if (w == "q4_0") return "Q4_0"
  w = w ~ /8/ ? 8 : w ~ /6/ ? 6 : 4
  sub(/mxint/, "", a); sub(/mxint/, "", k)
  return "W" w "A" a (k == 4 ? "KV4" : "")
}

# Ports of a top module against its constraints: awk -f pins.awk top.sv pins.lpf.
# Each bit of each port needs one LOCATE at a site of its own and one IOBUF, and each
# clock (a port clk*) a FREQUENCY; nothing else may be constrained.
function wrong(text) {
  print "pins.awk: " FILENAME ": " text > "/dev/stderr"
  failed = 1
}
function quoted(n,   part) {
  split($0, part, "\"")
  return part[2 * n]
}
FNR == 1 { file++ }
file == 1 && /^ *(input|output|inout) / {
  line = $0
  sub(/\/\/.*/, "", line)
  width = match(line, /\[[0-9]+:0\]/) ? substr(line, RSTART + 1) + 1 : 1
  match(line, /[A-Za-z0-9_]+,? *$/)
  name = substr(line, RSTART)
  gsub(/[, ]/, "", name)
  if (width == 1) port[name]
  else for (i = 0; i < width; i++) port[name "[" i "]"]
}
file == 2 && /^(LOCATE COMP|IOBUF PORT|FREQUENCY PORT) / {
  name = quoted(1)
  if (!(name in port)) wrong(name " has no port")
  if (seen[$1, name]++) wrong(name " has two " $1)
}
file == 2 && /^LOCATE/ {
  if (quoted(2) !~ /^[A-Y][0-9]+$/) wrong(name ": no site '" quoted(2) "'")
  if (at[quoted(2)]++) wrong("two ports at " quoted(2))
}
END {
  for (name in port) {
    ports++
    if (!seen["LOCATE", name]) wrong(name " has no LOCATE")
    if (!seen["IOBUF", name]) wrong(name " has no IOBUF")
    if (name ~ /^clk/ && !seen["FREQUENCY", name]) wrong(name " has no FREQUENCY")
  }
  if (!ports) wrong("the top has no ports")
  if (!failed) print ports " pins"
  exit failed
}

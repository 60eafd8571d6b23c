# yosys' stat of a design to a table: a line per unit of mxforge, with all that
# is below it, then all of it, then what the device has. Variables: set, device
# (its name and resources). Units keep their boundaries, which costs a few LUTs.
function class(cell) {
  if (cell ~ /^(SB_LUT4|LUT4|LUT[1-6]|INV)$/) return "LUT"
  if (cell ~ /^(SB_DFF.*|TRELLIS_FF|FD[RSCP]E.*)$/) return "FF"
  if (cell ~ /^(SB_CARRY|CCU2C|CARRY[48])$/) return "carry"
  if (cell ~ /^(MUXF[789]|PFUMX|L6MUX21)$/) return "mux"
  if (cell ~ /^(SB_MAC16|MULT18X18D|ALU54B|DSP48E2)$/) return "DSP"
  if (cell ~ /^(SB_RAM40_4K.*|DP16KD|RAMB18E2|RAMB36E2)$/) return "BRAM"
  if (cell == "SB_SPRAM256KA") return "SPRAM"
  if (cell ~ /^(TRELLIS_DPR16X4|RAM[0-9].*|SRL.*)$/) return "LUTRAM"
  return ""
}
function row(name, key,   i) {
  line = sprintf("%-16s", name)
  for (i = 1; i <= n; i++) line = line sprintf(" %7d", sum[key, columns[i]])
  print line
}
BEGIN {
  n = split("LUT FF carry mux DSP BRAM SPRAM LUTRAM", columns, " ")
  line = sprintf("%-16s", set)
  for (i = 1; i <= n; i++) line = line sprintf(" %7s", columns[i])
  print line
}
# Cells of each module. BRAM of UltraScale+ counts halves (18 kbit).
/^=== / { module = $2; tree = module == "design"; next }
!tree && NF == 2 && class($1) != "" { cells[module, class($1)] += $1 == "RAMB36E2" ? 2 * $2 : $2; next }
# The hierarchy: name and number of instances, two more spaces per level. What is
# on the first level below the top is a unit.
tree && /Number of/ { exit }
tree && NF == 2 {
  match($0, /^ */)
  depth = (RLENGTH - 3) / 2
  times[depth] = depth > 0 ? times[depth - 1] * $2 : $2
  if (depth == 0) unit = "top"
  if (depth == 1) {
    unit = match($1, /mx_[a-z_]+/) ? substr($1, RSTART, RLENGTH) : $1
  }
  if (!(unit in seen)) { seen[unit] = 1; order[++units] = unit }
  for (i = 1; i <= n; i++) {
    sum[unit, columns[i]] += times[depth] * cells[$1, columns[i]]
    sum["total", columns[i]] += times[depth] * cells[$1, columns[i]]
  }
}
END {
  for (u = 2; u <= units; u++) row(order[u], order[u])
  row("top", "top")
  row("total", "total")
  split(device, have, " ")
  line = sprintf("%-16s", have[1])
  for (i = 1; i <= n; i++) line = line sprintf(" %7s", have[i + 1])
  print line
  for (i = 1; i <= n; i++)
    if (have[i + 1] != "-" && sum["total", columns[i]] > have[i + 1] + 0) over = over " " columns[i]
  if (over != "") print "more than the device has:" over
}

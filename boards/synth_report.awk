# yosys' stat to a table: one line per unit of mxforge, then the device.
# Variable: set. Cells are summed in classes; families have different names.
function class(cell) {
  if (cell ~ /^(SB_LUT4|LUT4|LUT[1-6])$/) return "LUT"
  if (cell ~ /^(SB_DFF.*|TRELLIS_FF|FD[RSCP]E.*)$/) return "FF"
  if (cell ~ /^(SB_CARRY|CCU2C|CARRY[48])$/) return "carry"
  if (cell ~ /^(SB_MAC16|MULT18X18D|ALU54B|DSP48E2)$/) return "DSP"
  if (cell ~ /^(SB_RAM40_4K.*|DP16KD|RAMB18E2|RAMB36E2)$/) return "BRAM"
  if (cell ~ /^SB_SPRAM256KA$/) return "SPRAM"
  if (cell ~ /^(TRELLIS_DPR16X4|RAM[0-9].*)$/) return "LUTRAM"
  if (cell ~ /^(MUXF[789]|PFUMX|L6MUX21)$/) return "mux"
  return ""
}
BEGIN {
  n = split("LUT FF carry mux DSP BRAM SPRAM LUTRAM", columns, " ")
  printf "%-10s", set
  for (i = 1; i <= n; i++) printf " %7s", columns[i]
  print ""
}
/^=== / {
  unit = $2
  if (unit == "design") exit
  if (match(unit, /mx_[a-z]+/)) unit = substr(unit, RSTART, RLENGTH)
  if (!(unit in seen)) { seen[unit] = 1; order[++units] = unit }
}
NF == 2 && class($1) != "" { count[unit, class($1)] += $2; total[class($1)] += $2 }
END {
  for (u = 1; u <= units; u++) {
    printf "%-10s", order[u]
    for (i = 1; i <= n; i++) printf " %7d", count[order[u], columns[i]]
    print ""
  }
  printf "%-10s", "total"
  for (i = 1; i <= n; i++) printf " %7d", total[columns[i]]
  print ""
}

# Usage of the device from cells.list and yosys' stat, in this order; what is wrong
# goes to standard error, with exit 1. Variables: have (LUTs, multipliers, block
# RAMs of the device), most (percent of each), multipliers and block_rams (expected).
function wrong(text) {
  print "check.awk: " text > "/dev/stderr"
  failed = 1
}
function use(name, used, of) {
  printf "%-14s %6d of %6d  %5.1f %%\n", name, used, of, 100 * used / of
  if (100 * used > most * of) wrong(name ": more than " most " % of the device")
}
FNR == 1 { file++ }
file == 1 {
  if ($1 != "" && $1 !~ /^#/) luts[$1] = $2
  next
}
/Number of cells:/ { cells = 1; next }
cells && NF == 2 {
  if ($1 in luts) count[$1] = $2
  else wrong("cell " $1 " is not in cells.list")
}
END {
  for (cell in count) used += luts[cell] * count[cell]
  split(have, of, " ")
  use("LUT4", used, of[1])
  use("MULT18X18D", count["MULT18X18D"], of[2])
  use("DP16KD", count["DP16KD"], of[3])
  printf "%-14s %6d of %6d  %5.1f %%\n", "flip-flops", count["TRELLIS_FF"], of[1], 100 * count["TRELLIS_FF"] / of[1]
  if (!cells) wrong("no cells")
  if (count["MULT18X18D"] != multipliers) wrong("MULT18X18D: " multipliers " are expected")
  if (count["DP16KD"] != block_rams) wrong("DP16KD: " block_rams " are expected")
  exit failed
}

# Reads the `// tb:` lines of RTL test programs and prints make rules; B is the folder
# for what is built. Parameters are kept in NAME.dir/flags, which changes with them.
#   name=NAME top=MODULE [set=SET] [params=P=V,P=V] [dir=DIR] [gen=PACKAGE]   (name defaults to the file's)
/^\/\/ tb:/ {
  name = FILENAME; sub(/.*\/tb_/, "", name); sub(/\.c$/, "", name)
  top = name; set = ""; params = ""; dir = "rtl"; gen = ""
  for (i = 3; i <= NF; i++) {
    key = $i; sub(/=.*/, "", key); value = $i; sub(/^[^=]*=/, "", value)
    if (key == "name") name = value; else if (key == "top") top = value
    else if (key == "set") set = value; else if (key == "params") params = value
    else if (key == "dir") dir = value
    else if (key == "gen") gen = " $B/gen/" value ".sv"
    else { print "$(error " FILENAME ": unknown key " key " in a tb: line)"; next }
  }
  flags = ""; defines = ""
  n = split(params, list, ",")
  for (i = 1; i <= n; i++) { flags = flags " -G" list[i]; defines = defines " -DTB_" list[i] }
  if (set != "") defines = defines " -DTB_SET='\"" set "\"' -DTB_SET_" set
  d = "$B/rtl/" name ".dir"
  cfg = set == "" ? "" : " $B/gen/" set "/mx_cfg.sv"
  kept = B "/rtl/" name ".dir/flags"; old = ""
  getline old < kept; close(kept)
  if (old != flags " ") { system("mkdir -p " B "/rtl/" name ".dir"); print flags " " > kept; close(kept) }
  print "rtl_tests += $B/rtl/tb_" name
  print d "/Vdut.mk: " dir "/" top ".sv $B/gen/mx_pkg.sv $B/gen/fn_rom.sv" cfg gen " $(wildcard rtl/lint.vlt) " d "/flags"
  print "\t$(call verilate," d ",$B/gen/mx_pkg.sv" cfg gen " " dir "/" top ".sv --top-module " top flags ")"
  print d "/test.o: " FILENAME " | " d "/Vdut.mk"
  print "\t$(call cc_object,-I" d defines ")"
  print "$B/rtl/tb_" name ": " d "/Vdut.mk " d "/test.o $(tb_objects) $(verilated_objects) $(tb_libs)"
  print "\t$(call tb_link," d ")"
  print "-include " d "/Vdut__ver.d"
}

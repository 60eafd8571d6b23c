# What is exported for other tools, and its tests. Included by the Makefile.
$B/gen/mxforge.svd: golden/gen_svd.c golden/csr.def
	$(Q)mkdir -p $(@D) && $(CC) $(CSTD) -I. -o $B/gen-svd $< && $B/gen-svd > $@
$B/gen-litex: rtl/soc/gen_litex.c golden/csr.def firmware/soc.def
	$(Q)mkdir -p $(@D) && $(CC) $(CSTD) -I. -o $@ $<
$B/gen/mxforge.csr.%: $B/gen-litex
	$(Q)mkdir -p $(@D) && $< $* 0 > $@
$B/gen/mxforge_soc.csr.%: $B/gen-litex
	$(Q)mkdir -p $(@D) && $< $* soc > $@
exports := $B/gen/mxforge.svd $(foreach f,csv json,$B/gen/mxforge.csr.$f $B/gen/mxforge_soc.csr.$f)
docs: $B/gen/isa.md $B/gen/csr.md $B/gen/params.md $(exports) ## reference tables, CMSIS-SVD and LiteX' lists of registers to build/gen
.PHONY: docs

$B/tests/unit/test_exports.o: CPPFLAGS += -I/usr/include/libxml2 -DMX_GEN='"$B/gen"'
$B/unit/test_exports: LDLIBS += -lxml2
$B/unit/test_exports: | $(exports)
$B/core-files: $B/tests/tools/core_files.o
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN) -o $@ $< -lyaml

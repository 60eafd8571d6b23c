# Tests of what is exported for other tools. Included by the Makefile.
$B/tests/unit/test_exports.o: CPPFLAGS += -I/usr/include/libxml2 -DMX_GEN='"$B/gen"'
$B/unit/test_exports: LDLIBS += -lxml2
$B/unit/test_exports: | $(exports)
$B/core-files: $B/tests/tools/core_files.o
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN) -o $@ $< -lyaml

# build/placed/tb_BOARD: the netlist of a board's bitstream, which must be there, under
# tests/boards/tb_placed.c. Included by the Makefile.
$(up5k_boards:%=$B/%/top.v):
	@echo "$@ is missing: make bitstream BOARD=$(@:$B/%/top.v=%)" >&2; exit 1
# yosys' cells, but for the PLLs, of which it has no model, and for the one expression
# that Verilator does not take: whether an input is z. The netlist connects it.
$B/placed/cells_sim.v:
	$(Q)mkdir -p $(@D) && sed -e "s/ || CLOCK_ENABLE === 1'bz//" -e '/^module SB_PLL40_/,/^endmodule/d' $(yosys_data)/ice40/cells_sim.v > $@
flash_lines_icebreaker := 4
flash_lines_upduino := 2
$(up5k_boards:%=$B/placed/%.dir/Vdut.mk): $B/placed/%.dir/Vdut.mk: $B/placed/cells_sim.v tests/boards/ice40_pll.sv $B/%/top.v tests/boards/ice40_board.sv
	$(call verilate,$(@D),-Wno-lint -Wno-COMBDLY -Wno-TIMESCALEMOD -DNO_ICE40_DEFAULT_ASSIGNMENTS -GLines=$(flash_lines_$*) $^ --top-module ice40_board)
$(up5k_boards:%=$B/placed/%.dir/test.o): tests/boards/tb_placed.c | $B/gen/build_id.h
	$(call cc_object,)
$(up5k_boards:%=$B/placed/tb_%): $B/placed/tb_%: $B/placed/%.dir/Vdut.mk $B/placed/%.dir/test.o $(tb_objects) $(verilated_objects) $(tb_libs)
	$(call tb_link,$(<D))

# Boards with an iCE40 UP5K, and the shipped model as it fits their writable memory.
# Included by the Makefile.
up5k_gen := $(addprefix $B/gen/,tiny/mx_cfg.sv mx_pkg.sv fn_rom.sv mx_frame_pkg.sv)
up5k_boards := icebreaker upduino
$(up5k_boards:%=bitstream-%): bitstream-%: $(up5k_gen)
	@tests/deps.sh && $(MAKE) -s $B/up5k.mxp $B/rtl/tb_mx_up5k $B/rtl/tb_mx_up5k_2 && IMAGE=$B/up5k.mxp boards/$*/build.sh
$(up5k_boards:%=synth-%): $(up5k_gen)
	@tests/deps.sh && boards/synth.sh tiny
ice40: bitstream-icebreaker ## tiny on an iCE40 UP5K with flash and serial line, placed and routed: cells, clock, tokens per second (yosys, nextpnr)
.PHONY: ice40 $(up5k_boards:%=bitstream-%) $(up5k_boards:%=synth-%)
$B/up5k.mxp: tests/models/kjv.gguf $B/mxf
	$(call say,COMPILE,$@)
	$(Q)$B/mxf quantize $< --weights mxint4 --acts mxint8 -o $B/up5k.mxq > /dev/null && $B/mxf compile $B/up5k.mxq --target tiny --context 48 -o $@ > /dev/null

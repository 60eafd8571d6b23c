# Boards with an ECP5: DEVICE=12f, 25f (if not set), 45f or 85f. Included by boards/rules.mk.
ecp5_boards := ulx3s colorlight-i5
$(foreach b,$(ecp5_boards),synth-$b bitstream-$b): $(addprefix $B/gen/,mx_pkg.sv mx_soc_pkg.sv small/mx_cfg.sv medium/mx_cfg.sv fn_rom.sv mx_boot_rom.sv)
	@tests/deps.sh && boards/ecp5/build.sh $(firstword $(subst -, ,$@)) $(BOARD) $(or $(DEVICE),25f)
.PHONY: $(foreach b,$(ecp5_boards),synth-$b bitstream-$b)
# What boards/colorlight-i5/board.def profiles.
$B/boards/kjv_small.mxp: tests/models/kjv.gguf $B/mxf
	$(call say,COMPILE,$@)
	$(Q)mkdir -p $(@D) && $B/mxf quantize $< -o $(@:.mxp=.mxq) > /dev/null && $B/mxf compile $(@:.mxp=.mxq) --target small -o $@ > /dev/null

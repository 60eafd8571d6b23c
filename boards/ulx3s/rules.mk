# ULX3S: DEVICE=12f, 25f (if not set), 45f or 85f. Included by boards/rules.mk.
synth-ulx3s bitstream-ulx3s: %-ulx3s: $(addprefix $B/gen/,mx_pkg.sv mx_soc_pkg.sv small/mx_cfg.sv fn_rom.sv mx_boot_rom.sv)
	@tests/deps.sh && boards/ecp5/build.sh $* ulx3s $(or $(DEVICE),25f)
.PHONY: synth-ulx3s bitstream-ulx3s

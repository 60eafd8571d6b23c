# Area and bitstreams: make synth|bitstream BOARD=NAME runs synth-NAME or
# bitstream-NAME of boards/*/rules.mk. Included by the Makefile.
BOARD ?=
boards := $(patsubst boards/%/board.def,%,$(wildcard boards/*/board.def))
ifeq ($(BOARD),)
synth: $(foreach s,tiny small medium large,$B/gen/$s/mx_cfg.sv) $B/gen/mx_pkg.sv $B/gen/fn_rom.sv ## area by module for iCE40, ECP5 and UltraScale+; BOARD=NAME: of a board, against its FPGA (yosys)
	@tests/deps.sh && boards/synth.sh
bitstream: ## bitstream for BOARD=NAME, and DEVICE=NAME where a board has several (boards/README.md)
	@echo "bitstream: BOARD= is missing: one of $(boards)" >&2; exit 2
else ifeq ($(filter $(BOARD),$(boards)),)
synth bitstream:
	@echo "$@: BOARD=$(BOARD): expected one of $(boards)" >&2; exit 2
else
synth: synth-$(BOARD)
bitstream: bitstream-$(BOARD)
endif
boards: $B/mxf $B/boards/kjv_small.mxp ## the table of boards in boards/README.md, from their flows and the cycle model: half an hour
	@tests/deps.sh && boards/table.sh
.PHONY: synth bitstream boards

# Proofs with yosys and z3. Included by the Makefile.
formal: $B/gen/mx_pkg.sv ## proofs of FIFO, splitter, bus masters, multipliers, adders
	@tests/formal/run.sh
.PHONY: formal

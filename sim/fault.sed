# Plants a fault in a copy of rtl/mxforge.sv: bit 0 of the dot array's results is
# inverted on their way to the vector memory from cycle FAULT_CYCLE on.
/^  mx_vmem #/i\
  logic [31:0] fault_cycle_q;\
  always_ff @(posedge clk_i) fault_cycle_q <= rst_ni ? fault_cycle_q + 1'b1 : '0;\
  wire logic planted = fault_cycle_q >= FAULT_CYCLE;
s/\.dw_data_i(dw_data)/.dw_data_i(dw_data ^ {31'b0, planted})/

// The processor's way to the accelerator's registers: a slow slave of mx_soc_bus
// as AXI4-Lite master, one access at a time. Answers when the accelerator has,
// up to 66 cycles later. Reset: synchronous, with the accelerator's.
`default_nettype none

module mx_soc_accel (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic        valid_i,
  output      logic        ready_o,
  input  wire logic        write_i,
  output      logic        error_o,

  output      logic        awvalid_o,
  input  wire logic        awready_i,
  output      logic        wvalid_o,
  input  wire logic        wready_i,
  input  wire logic        bvalid_i,
  input  wire logic [1:0]  bresp_i,
  output      logic        arvalid_o,
  input  wire logic        arready_i,
  input  wire logic        rvalid_i,
  input  wire logic [1:0]  rresp_i
);

  logic asked_q;
  wire logic ask = valid_i && !asked_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      {asked_q, awvalid_o, wvalid_o, arvalid_o} <= '0;
    end else begin
      asked_q   <= valid_i && !ready_o;
      awvalid_o <= (ask && write_i) || (awvalid_o && !awready_i);
      wvalid_o  <= (ask && write_i) || (wvalid_o && !wready_i);
      arvalid_o <= (ask && !write_i) || (arvalid_o && !arready_i);
    end
  end
  assign ready_o = bvalid_i || rvalid_i;
  assign error_o = bvalid_i ? bresp_i[1] : rresp_i[1];

  wire logic unused = bresp_i[0] ^ rresp_i[0];

endmodule

`default_nettype wire

// What answers the processor: regions of firmware/soc.def. Everything undefined,
// and writes to what is read only, end in a bus error.
//
// bus_*: of mx_rv. ROM and RAM answer in the second cycle, as does SYSTEM (sys_*:
// sys_valid_o stays with the processor's address and data until sys_ready_i).
// The others are slow: 0 flash, 1 accelerator, 2 memory. slow_valid_o[k] stays
// with a registered request until slow_ready_i[k], which brings 32 bits of
// slow_rdata_i and slow_error_i; the processor has them a cycle later.
// Reset: synchronous; cuts a transfer off.
`default_nettype none

module mx_soc_bus (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic        bus_valid_i,
  output      logic        bus_ready_o,
  input  wire logic [31:0] bus_addr_i,
  input  wire logic [3:0]  bus_wstrb_i,
  input  wire logic [31:0] bus_wdata_i,
  output      logic [31:0] bus_rdata_o,
  output      logic        bus_error_o,

  input  wire logic [31:0] rom_rdata_i,
  output      logic [3:0]  ram_wstrb_o,
  input  wire logic [31:0] ram_rdata_i,
  output      logic        sys_valid_o,
  input  wire logic        sys_ready_i,
  input  wire logic [31:0] sys_rdata_i,  // 0 without sys_ready_i
  input  wire logic        sys_error_i,

  output      logic [2:0]  slow_valid_o,
  output      logic [31:0] slow_addr_o,
  output      logic [3:0]  slow_wstrb_o,
  output      logic [31:0] slow_wdata_o,
  input  wire logic [2:0]  slow_ready_i,
  input  wire logic [95:0] slow_rdata_i,
  input  wire logic [2:0]  slow_error_i
);

  // ---- regions: the upper bits of an address ----
  function automatic logic in(input logic [31:0] addr, input logic [31:0] base, input int unsigned bytes);
    in = (addr & ~(32'(bytes) - 32'd1)) == base;
  endfunction
  wire logic write  = bus_wstrb_i != '0;
  wire logic rom    = in(bus_addr_i, mx_soc_pkg::ROM_BASE, mx_soc_pkg::ROM_BYTES) && !write;
  wire logic ram    = in(bus_addr_i, mx_soc_pkg::RAM_BASE, mx_soc_pkg::RAM_BYTES);
  wire logic system = in(bus_addr_i, mx_soc_pkg::SYSTEM_BASE, mx_soc_pkg::SYSTEM_BYTES);
  wire logic flash  = in(bus_addr_i, mx_soc_pkg::FLASH_BASE, mx_soc_pkg::FLASH_BYTES) && !write;
  wire logic accel  = in(bus_addr_i, mx_soc_pkg::ACCEL_BASE, mx_soc_pkg::ACCEL_BYTES);
  wire logic memory = in(bus_addr_i, mx_soc_pkg::MEMORY_BASE, mx_soc_pkg::MEMORY_BYTES);
  wire logic [2:0] slow = {memory, accel, flash};

  // ---- transfers ----
  logic       ready_q, error_q, rom_q, ram_q;
  logic [2:0] slow_q;
  wire logic  start    = bus_valid_i && !ready_q && slow_q == '0;
  wire logic  slow_end = (slow_q & slow_ready_i) != '0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ready_q <= 1'b0;
      slow_q  <= '0;
    end else begin
      ready_q <= slow_end || (start && !system && slow == '0);
      slow_q  <= start ? slow : slow_end ? 3'b000 : slow_q;
    end
    rom_q   <= start && rom;
    ram_q   <= start && ram;
    error_q <= slow_end ? (slow_q & slow_error_i) != '0 : start && !rom && !ram;
  end
  assign sys_valid_o = bus_valid_i && system;
  assign ram_wstrb_o = bus_wstrb_i & {4{start && ram}};

  logic [31:0] slow_data, slow_data_q;
  always_comb begin
    slow_data = '0;
    for (int k = 0; k < 3; k++) slow_data = slow_data | (slow_rdata_i[32*k +: 32] & {32{slow_q[k]}});
  end
  always_ff @(posedge clk_i) begin
    slow_data_q <= slow_end ? slow_data : '0;
    if (start) begin
      slow_addr_o  <= bus_addr_i;
      slow_wstrb_o <= bus_wstrb_i;
      slow_wdata_o <= bus_wdata_i;
    end
  end
  assign slow_valid_o = slow_q;

  assign bus_ready_o = ready_q || sys_ready_i;
  assign bus_error_o = ready_q ? error_q : sys_error_i;
  assign bus_rdata_o = rom_q ? rom_rdata_i : ram_q ? ram_rdata_i : slow_data_q | sys_rdata_i;

endmodule

`default_nettype wire

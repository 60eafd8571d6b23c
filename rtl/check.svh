// One assertion vocabulary for the three tools that read this RTL.
//   simulation (--assert)     immediate assertions when CHECKS is defined
//   proof (yosys -formal)     immediate assertions (FORMAL defines CHECKS)
//   synthesis                 nothing
`ifndef MX_CHECK_SVH
`define MX_CHECK_SVH
`ifdef FORMAL
  `define CHECKS
`endif
`ifdef CHECKS
  `define CHECK(name_, expr_) \
    always_ff @(posedge clk_i) if (rst_ni) begin name_: assert (expr_); end
  `ifdef FORMAL
    `define RESET_FIRST initial assume (!rst_ni);
    `define REQUIRE(name_, expr_) \
      always_ff @(posedge clk_i) if (rst_ni) begin name_: assume (expr_); end
  `else
    `define RESET_FIRST
    `define REQUIRE(name_, expr_) `CHECK(name_, expr_)
  `endif
`else
  `define RESET_FIRST
  `define CHECK(name_, expr_)
  `define REQUIRE(name_, expr_)
`endif
`endif

// fp_max is mx_fp_max and mx_fp_gt of golden/fp32.c.
module equal_fp_max (
  input wire logic [31:0] a_i,
  input wire logic [31:0] b_i
);
  logic [31:0] y;
  logic        gt;
  fp_max u_max (.a_i, .b_i, .y_o(y), .gt_o(gt));

  function automatic logic is_nan(input logic [31:0] x);
    is_nan = x[30:0] > 31'h7f800000;
  endfunction
  function automatic logic [31:0] flush(input logic [31:0] x);
    flush = x[30:23] == 0 ? {x[31], 31'b0} : x;
  endfunction
  // Unsigned numbers in the order of the values, -0 below +0.
  function automatic logic [31:0] order(input logic [31:0] x);
    order = x[31] ? ~x : x | 32'h80000000;
  endfunction

  wire logic [31:0] a = flush(a_i), b = flush(b_i);
  wire logic        nan = is_nan(a_i) || is_nan(b_i);
  wire logic        above = order(a) > order(b);
  always_comb begin
    assert (y == (nan ? 32'h7fc00000 : above ? a : b));
    assert (gt == (!nan && above && (a[30:0] != 0 || b[30:0] != 0)));
  end
endmodule

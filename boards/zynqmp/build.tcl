# Bitstream of the accelerator for a Zynq UltraScale+ board, by Vivado in batch mode:
#
#   vivado -mode batch -source boards/zynqmp/build.tcl -tclargs BOARD OUT [JOBS]
#
# from the repository's root, after the packages in build/gen are made (make bitstream
# does both). BOARD is a folder of boards/ with a board.def. Leaves in OUT: the project,
# mxforge.bit, mxforge.bit.bin (for Linux), mxforge.xsa, timing.rpt, utilization.rpt.
# Fails where timing is not met.
#
# The design: the processor's HPM0 -> SmartConnect -> s_axi; m_axi -> SmartConnect,
# which converts width and clock -> HP0, 128 bits at memory_mhz; irq -> pl_ps_irq0[0].

# key=value lines to a dictionary.
proc read_board {path} {
  set file [open $path]
  set board [dict create]
  foreach line [split [read $file] \n] {
    if {[regexp {^([a-z0-9_]+)=(.*)$} $line -> key value]} { dict set board $key $value }
  }
  close $file
  return $board
}

# Macros with numbers of a C header to a dictionary.
proc read_defines {path} {
  set file [open $path]
  set defines [dict create]
  foreach line [split [read $file] \n] {
    if {[regexp {^#define (MX_[A-Z_0-9]+) (0x[0-9a-f]+|[0-9]+)\M} $line -> name value]} { dict set defines $name $value }
  }
  close $file
  return $defines
}

# A parameter of the set that was generated.
proc read_parameter {path name} {
  set file [open $path]
  set text [read $file]
  close $file
  if {![regexp "int unsigned $name = (\[0-9\]+);" $text -> value]} { error "$path has no $name" }
  return $value
}

proc make_project {board out sources} {
  create_project -force -part [dict get $board part] mxforge $out/project
  # The newest version of the board's files that this Vivado has.
  set parts [lsort -dictionary [get_board_parts [dict get $board board_part]:*]]
  if {[llength $parts] == 0} { error "Vivado has no board files for [dict get $board board_part]" }
  set_property board_part [lindex $parts end] [current_project]
  add_files -norecurse $sources
  set_property file_type SystemVerilog [get_files *.sv]
  set_property file_type {Verilog Header} [get_files *.svh]
  set_property include_dirs [file normalize rtl] [get_filesets sources_1]
  update_compile_order -fileset sources_1
}

proc add_ip {name cell properties} {
  create_bd_cell -type ip -vlnv xilinx.com:ip:$name $cell
  if {[llength $properties]} { set_property -dict $properties [get_bd_cells $cell] }
}

proc connect {source args} {
  foreach pin $args { connect_bd_net [get_bd_pins $source] [get_bd_pins $pin] }
}

proc connect_bus {master slave} {
  connect_bd_intf_net [get_bd_intf_pins $master] [get_bd_intf_pins $slave]
}

proc add_processor {defines} {
  create_bd_cell -type ip -vlnv xilinx.com:ip:zynq_ultra_ps_e ps
  apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e -config {apply_board_preset "1"} [get_bd_cells ps]
  set_property -dict [list \
    CONFIG.PSU__USE__M_AXI_GP0 1 CONFIG.PSU__USE__M_AXI_GP1 0 CONFIG.PSU__USE__M_AXI_GP2 0 \
    CONFIG.PSU__MAXIGP0__DATA_WIDTH 128 \
    CONFIG.PSU__USE__S_AXI_GP2 1 CONFIG.PSU__SAXIGP2__DATA_WIDTH 128 \
    CONFIG.PSU__USE__IRQ0 1 \
    CONFIG.PSU__FPGA_PL0_ENABLE 1 \
    CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ [expr {[dict get $defines MX_PS_CLOCK_HZ] / 1000000}]] [get_bd_cells ps]
}

# Both clocks from one source, in phase, with a reset for each.
proc add_clocks {board} {
  add_ip clk_wiz clocks [list \
    CONFIG.PRIM_SOURCE Global_buffer CONFIG.RESET_TYPE ACTIVE_LOW CONFIG.RESET_PORT resetn \
    CONFIG.CLKOUT1_REQUESTED_OUT_FREQ [dict get $board clock_mhz] \
    CONFIG.CLKOUT2_USED true CONFIG.CLKOUT2_REQUESTED_OUT_FREQ [dict get $board memory_mhz]]
  connect ps/pl_clk0 clocks/clk_in1
  connect ps/pl_resetn0 clocks/resetn
  foreach {reset clock} {reset clocks/clk_out1 memory_reset clocks/clk_out2} {
    add_ip proc_sys_reset $reset {}
    connect $clock $reset/slowest_sync_clk
    connect ps/pl_resetn0 $reset/ext_reset_in
    connect clocks/locked $reset/dcm_locked
  }
}

proc add_accelerator {bus_bits} {
  create_bd_cell -type module -reference mxforge_axi accel
  set_property CONFIG.DATA_BITS $bus_bits [get_bd_cells accel]
  connect clocks/clk_out1 accel/aclk
  connect reset/peripheral_aresetn accel/aresetn
  connect accel/irq ps/pl_ps_irq0
}

proc add_registers {} {
  add_ip smartconnect registers {CONFIG.NUM_SI 1 CONFIG.NUM_MI 1 CONFIG.NUM_CLKS 1}
  connect clocks/clk_out1 registers/aclk ps/maxihpm0_fpd_aclk
  connect reset/interconnect_aresetn registers/aresetn
  connect_bus ps/M_AXI_HPM0_FPD registers/S00_AXI
  connect_bus registers/M00_AXI accel/s_axi
}

proc add_memory {} {
  add_ip smartconnect memory {CONFIG.NUM_SI 1 CONFIG.NUM_MI 1 CONFIG.NUM_CLKS 2}
  connect clocks/clk_out1 memory/aclk
  connect clocks/clk_out2 memory/aclk1 ps/saxihp0_fpd_aclk
  connect memory_reset/interconnect_aresetn memory/aresetn
  connect_bus accel/m_axi memory/S00_AXI
  connect_bus memory/M00_AXI ps/S_AXI_HP0_FPD
}

proc assign_addresses {defines} {
  assign_bd_address -offset [dict get $defines MX_REGISTERS_BASE] -range [dict get $defines MX_REGISTERS_BYTES] \
    -target_address_space [get_bd_addr_spaces ps/Data] [get_bd_addr_segs accel/s_axi/reg0]
  # All of the processor's memory, of which boards with 2 GB have no upper part.
  foreach segment [get_bd_addr_segs ps/SAXIGP2/*] {
    if {[string match */HP0_DDR_* $segment]} {
      assign_bd_address -target_address_space [get_bd_addr_spaces accel/m_axi] $segment
    } else {
      exclude_bd_addr_seg -target_address_space [get_bd_addr_spaces accel/m_axi] $segment
    }
  }
}

proc make_design {board defines bus_bits} {
  create_bd_design system
  add_processor $defines
  add_clocks $board
  add_accelerator $bus_bits
  add_registers
  add_memory
  assign_addresses $defines
  validate_bd_design
  save_bd_design
  make_wrapper -files [get_files system.bd] -top -import
  set_property top system_wrapper [current_fileset]
}

proc finished {run} {
  if {[get_property PROGRESS [get_runs $run]] ne "100%"} { error "$run did not end: see its log" }
}

proc implement {out jobs} {
  launch_runs impl_1 -to_step write_bitstream -jobs $jobs
  wait_on_run impl_1
  finished synth_1
  finished impl_1
  open_run impl_1
  report_timing_summary -file $out/timing.rpt
  report_utilization -hierarchical -file $out/utilization.rpt
  set slack [get_property STATS.WNS [get_runs impl_1]]
  set hold [get_property STATS.WHS [get_runs impl_1]]
  if {$slack < 0 || $hold < 0} { error "timing is not met: setup $slack ns, hold $hold ns; see $out/timing.rpt" }
}

proc write_results {here out} {
  file copy -force [get_property DIRECTORY [get_runs impl_1]]/system_wrapper.bit $out/mxforge.bit
  write_hw_platform -fixed -include_bit -force -file $out/mxforge.xsa
  file copy -force $here/system.bif $out/system.bif
  set old [pwd]
  cd $out
  exec bootgen -w -arch zynqmp -process_bitstream bin -image system.bif >@ stdout 2>@ stderr
  cd $old
}

lassign $argv name out jobs
if {$out eq ""} { error "usage: vivado -mode batch -source boards/zynqmp/build.tcl -tclargs BOARD OUT \[JOBS\]" }
if {$jobs eq ""} { set jobs 2 }
set here [file dirname [file normalize [info script]]]
set board [read_board boards/$name/board.def]
set defines [read_defines $here/address_map.h]
set config build/gen/[dict get $board set]/mx_cfg.sv
set sources [concat build/gen/mx_pkg.sv $config build/gen/fn_rom.sv [lsort [glob rtl/*.sv rtl/*.svh]] $here/mxforge_axi.v]
set out [file normalize $out]

file mkdir $out
make_project $board $out $sources
make_design $board $defines [read_parameter $config BUS_BITS]
implement $out $jobs
write_results $here $out
puts "mxforge: $out/mxforge.bit.bin"

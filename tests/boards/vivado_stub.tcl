# A stand-in for the Vivado commands that boards/zynqmp/build.tcl uses, for tclsh:
#
#   tclsh tests/boards/vivado_stub.tcl SCRIPT ARGUMENT...
#
# It runs the script as Vivado's batch mode would and checks each command: that Vivado
# has it with these options, that files exist, that cells, pins, interfaces, segments
# and properties exist by the IPs' product guides (PG201, PG065, PG164, PG247) and by
# the attributes of a module's own source, that a net has one driver, that a bus joins
# a master and a slave; at validate_bd_design that nothing is left open, that buses and
# resets are with their clocks, and that every segment has its address. It cannot know
# what Vivado's own versions do, nor whether the design meets timing.
#
# Prints the design, a line per cell, net, bus and address, for other checks to read.

# ---- what there is: IP -> {pins {name direction condition} interfaces ... properties}
# A condition is a property and the value it must have. ? after a direction: may stay open.
set ip(zynq_ultra_ps_e) {
  pins {pl_clk0 out {PSU__FPGA_PL0_ENABLE 1} pl_resetn0 out {} pl_ps_irq0 in {PSU__USE__IRQ0 1}
        maxihpm0_fpd_aclk in {PSU__USE__M_AXI_GP0 1} maxihpm1_fpd_aclk in {PSU__USE__M_AXI_GP1 1}
        maxihpm0_lpd_aclk in {PSU__USE__M_AXI_GP2 1} saxihp0_fpd_aclk in {PSU__USE__S_AXI_GP2 1}}
  interfaces {M_AXI_HPM0_FPD master maxihpm0_fpd_aclk {PSU__USE__M_AXI_GP0 1}
        M_AXI_HPM1_FPD master maxihpm1_fpd_aclk {PSU__USE__M_AXI_GP1 1}
        M_AXI_HPM0_LPD master maxihpm0_lpd_aclk {PSU__USE__M_AXI_GP2 1}
        S_AXI_HP0_FPD slave saxihp0_fpd_aclk {PSU__USE__S_AXI_GP2 1}}
  properties {PSU__USE__M_AXI_GP0 1 PSU__USE__M_AXI_GP1 1 PSU__USE__M_AXI_GP2 0 PSU__MAXIGP0__DATA_WIDTH 128
        PSU__USE__S_AXI_GP2 0 PSU__SAXIGP2__DATA_WIDTH 128 PSU__USE__IRQ0 0 PSU__FPGA_PL0_ENABLE 0
        PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ 100}
}
set ip(clk_wiz) {
  pins {clk_in1 in {} resetn in {RESET_TYPE ACTIVE_LOW RESET_PORT resetn} reset in {RESET_TYPE ACTIVE_HIGH} clk_out1 out {}
        clk_out2 out {CLKOUT2_USED true} locked out {}}
  interfaces {}
  properties {PRIM_SOURCE Single_ended_clock_capable_pin RESET_TYPE ACTIVE_HIGH RESET_PORT reset CLKOUT1_REQUESTED_OUT_FREQ 100
        CLKOUT2_USED false CLKOUT2_REQUESTED_OUT_FREQ 100}
}
set ip(proc_sys_reset) {
  pins {slowest_sync_clk in {} ext_reset_in in {} aux_reset_in in? {} mb_debug_sys_rst in? {} dcm_locked in {}
        mb_reset out {} bus_struct_reset out {} peripheral_reset out {} interconnect_aresetn out {}
        peripheral_aresetn out {}}
  interfaces {} properties {}
}
set ip(smartconnect) {
  pins {aclk in {} aclk1 in {NUM_CLKS 2} aresetn in {}}
  interfaces {S00_AXI slave aclk {} S01_AXI slave aclk {NUM_SI 2} M00_AXI master aclk {}
        M01_AXI master aclk {NUM_MI 2}}
  properties {NUM_SI 1 NUM_MI 1 NUM_CLKS 1}
}
set slave_segments {ps/SAXIGP2/HP0_DDR_LOW ps/SAXIGP2/HP0_DDR_HIGH ps/SAXIGP2/HP0_LPS_OCM ps/SAXIGP2/HP0_QSPI}

set files {}; set part ""; set runs_done 0
foreach name {cell_ip pin interface property driver joined address excluded run_property} { array set $name {} }

proc refuse {text} { return -code error -level 2 "vivado_stub: $text" }

# Options of a call: -flags stand alone, -valued take a value; returns {options rest}.
proc arguments {command list flags valued least most} {
  set options [dict create]
  set rest {}
  for {set i 0} {$i < [llength $list]} {incr i} {
    set word [lindex $list $i]
    if {[regexp {^-[a-z]} $word]} {
      if {$word in $flags} { dict set options $word 1
      } elseif {$word in $valued} {
        if {[incr i] >= [llength $list]} { refuse "$command: $word has no value" }
        dict set options $word [lindex $list $i]
      } else { refuse "$command has no option $word" }
    } else { lappend rest $word }
  }
  if {[llength $rest] < $least || [llength $rest] > $most} { refuse "$command: [llength $rest] arguments: $rest" }
  return [list $options $rest]
}

proc holds {cell condition} {
  foreach {name value} $condition { if {$::property($cell,$name) ne $value} { return 0 } }
  return 1
}

# ---- project ----
proc create_project {args} {
  lassign [arguments create_project $args -force -part 1 2] options rest
  if {![regexp {^xc[a-z0-9]+-[a-z0-9]+-[0-9]L?V?-[cei]$} [dict get $options -part]]} { refuse "no part [dict get $options -part]" }
  set ::part [dict get $options -part]
}
proc current_project {args} { arguments current_project $args {} {} 0 0; return project }
proc current_fileset {args} { arguments current_fileset $args {} {} 0 0; return fileset:sources_1 }
proc get_filesets {args} { lindex [arguments get_filesets $args {} {} 1 1] 1; return fileset:sources_1 }
proc get_board_parts {args} {
  set pattern [lindex [arguments get_board_parts $args {} {} 1 1] 1 0]
  set parts {}
  foreach known {xilinx.com:kv260_som:part0:1.3 xilinx.com:kv260_som:part0:1.4 xilinx.com:zcu104:part0:1.1} {
    if {[string match $pattern $known]} { lappend parts $known }
  }
  return $parts
}
proc add_files {args} {
  foreach file [lindex [arguments add_files $args -norecurse {-fileset} 1 1] 1 0] {
    if {![file isfile $file]} { refuse "add_files: there is no $file" }
    lappend ::files $file
  }
}
proc get_files {args} {
  set pattern [lindex [arguments get_files $args {} {-of_objects} 1 1] 1 0]
  set found {}
  foreach file $::files { if {[string match $pattern [file tail $file]]} { lappend found file:$file } }
  if {![llength $found]} { refuse "get_files: nothing matches $pattern" }
  return $found
}
proc update_compile_order {args} { arguments update_compile_order $args {} -fileset 0 0 }

# ---- properties ----
proc set_one {name value object} {
  switch -glob $object {
    project { if {$name ne "board_part"} { refuse "a project has no $name" } }
    file:* { if {$name ne "file_type" || $value ni {SystemVerilog {Verilog Header} Verilog}} { refuse "a file has no $name $value" } }
    fileset:* { if {$name ni {include_dirs top}} { refuse "a file set has no $name" } }
    cell:* {
      set cell [string range $object 5 end]
      if {![regexp {^CONFIG\.(.+)$} $name -> key] || ![info exists ::property($cell,$key)]} { refuse "$cell has no property $name" }
      set ::property($cell,$key) $value
    }
    default { refuse "set_property of $object" }
  }
}
proc set_property {args} {
  if {[lindex $args 0] eq "-dict"} {
    lassign $args - pairs objects
    if {[llength $args] != 3 || [llength $pairs] % 2} { refuse "set_property -dict takes a list of pairs and objects" }
  } else {
    lassign $args name value objects
    if {[llength $args] != 3} { refuse "set_property takes name, value, objects" }
    set pairs [list $name $value]
  }
  if {![llength $objects]} { refuse "set_property of nothing" }
  foreach object $objects { foreach {name value} $pairs { set_one $name $value $object } }
}
proc get_property {args} {
  lassign [lindex [arguments get_property $args {} {} 2 2] 1] name object
  if {![regexp {^run:(.+)$} $object -> run]} { refuse "get_property of $object" }
  if {![info exists ::run_property($run,$name)]} { refuse "$run has no $name" }
  return $::run_property($run,$name)
}

# ---- block design ----
proc create_bd_design {args} { lappend ::files [lindex [arguments create_bd_design $args {} {} 1 1] 1 0].bd }

# Ports of a Verilog module with the attributes of their interfaces.
proc read_module {name} {
  foreach file $::files {
    if {[file tail $file] ne "$name.v"} continue
    set handle [open $file]; set text [read $handle]; close $handle
  }
  if {![info exists text]} { refuse "no source holds the module $name in plain Verilog" }
  if {![regexp "module $name\\s*#\\((.*?)\\)\\s*\\((.*?)\\n\\);" $text -> parameters ports]} { refuse "$name: no ports" }
  return [list $parameters $ports]
}
proc add_module {name cell} {
  lassign [read_module $name] parameters ports
  foreach {- key value} [regexp -all -inline {parameter\s+(\w+)\s*=\s*(\w+)} $parameters] { set ::property($cell,$key) $value }
  set info ""
  foreach line [split $ports \n] {
    if {[regexp {X_INTERFACE_INFO = "([^ ]+) (\w+) (\w+)"} $line -> type name signal]} { set info [list $type $name $signal] }
    if {[regexp {ASSOCIATED_BUSIF ([a-z_:]+)} $line -> buses]} { set associated [split $buses :] }
    if {![regexp {^\s*(input|output)\s+wire\s+(\[[^\]]*\]\s*)?(\w+)} $line -> direction - port]} continue
    lassign $info type bus signal
    if {$info eq ""} { refuse "$name: port $port has no interface" }
    if {[string match *:aximm:* $type]} {
      if {$port ne "${bus}_[string tolower $signal]"} { refuse "port $port is said to be $signal of $bus" }
      dict set signals $bus $signal $direction
    } else { set ::pin($cell/$port) [expr {$direction eq "input" ? "in" : "out"}] }
    if {[string match *:clock:* $type]} { set clock $port }
    set info ""
  }
  dict for {bus directions} $signals {
    set required {AWVALID AWREADY AWADDR WVALID WREADY WDATA WSTRB BVALID BREADY BRESP ARVALID ARREADY ARADDR RVALID RREADY RDATA RRESP}
    foreach signal $required { if {![dict exists $directions $signal]} { refuse "$bus lacks $signal" } }
    if {$bus ni $associated} { refuse "$bus has no clock" }
    set mode [expr {[dict get $directions AWVALID] eq "output" ? "master" : "slave"}]
    set ::interface($cell/$bus) [list $mode $clock {}]
    if {$mode eq "slave"} { lappend ::slave_segments $cell/$bus/reg0 }
  }
  set ::cell_ip($cell) module
}
proc create_bd_cell {args} {
  lassign [arguments create_bd_cell $args {} {-type -vlnv -reference} 1 1] options rest
  set cell [lindex $rest 0]
  if {[info exists ::cell_ip($cell)]} { refuse "there is a cell $cell already" }
  if {[dict get $options -type] eq "module"} { return [add_module [dict get $options -reference] $cell] }
  if {![regexp {^xilinx\.com:ip:([a-z_0-9]+)$} [dict get $options -vlnv] -> name] || ![info exists ::ip($name)]} {
    refuse "no IP [dict get $options -vlnv]"
  }
  set ::cell_ip($cell) $name
  foreach {key value} [dict get $::ip($name) properties] { set ::property($cell,$key) $value }
  foreach {pin direction condition} [dict get $::ip($name) pins] { set ::pin($cell/$pin) [list $direction $condition] }
  foreach {bus mode clock condition} [dict get $::ip($name) interfaces] { set ::interface($cell/$bus) [list $mode $clock $condition] }
}
proc apply_bd_automation {args} {
  lassign [arguments apply_bd_automation $args {} {-rule -config} 1 1] options rest
  if {[dict get $options -rule] ne "xilinx.com:bd_rule:zynq_ultra_ps_e"} { refuse "no rule [dict get $options -rule]" }
}
proc get_bd_cells {args} {
  set cell [lindex [arguments get_bd_cells $args {} {} 1 1] 1 0]
  if {![info exists ::cell_ip($cell)]} { refuse "there is no cell $cell" }
  return cell:$cell
}
proc get_bd_pins {args} {
  set name [lindex [arguments get_bd_pins $args {} {} 1 1] 1 0]
  if {![info exists ::pin($name)] || ![holds [file dirname $name] [lindex $::pin($name) 1]]} { refuse "there is no pin $name" }
  return pin:$name
}
proc get_bd_intf_pins {args} {
  set name [lindex [arguments get_bd_intf_pins $args {} {} 1 1] 1 0]
  if {![info exists ::interface($name)] || ![holds [file dirname $name] [lindex $::interface($name) 2]]} { refuse "there is no interface $name" }
  return interface:$name
}
proc connect_bd_net {args} {
  set pins [lindex [arguments connect_bd_net $args {} -net 2 2] 1]
  set inputs {}
  foreach one $pins {
    if {![regexp {^pin:(.+)$} $one -> name]} { refuse "$one is no pin" }
    if {[lindex $::pin($name) 0] eq "out"} { lappend outputs $name } else { lappend inputs $name }
  }
  if {![info exists outputs] || [llength $outputs] != 1} { refuse "a net of $pins needs one driver" }
  foreach name $inputs {
    if {[info exists ::driver($name)]} { refuse "$name is driven by $::driver($name) already" }
    set ::driver($name) [lindex $outputs 0]
  }
}
proc connect_bd_intf_net {args} {
  set ends [lindex [arguments connect_bd_intf_net $args {} -intf_net 2 2] 1]
  foreach end $ends {
    if {![regexp {^interface:(.+)$} $end -> name]} { refuse "$end is no interface" }
    if {[info exists ::joined($name)]} { refuse "$name is connected already" }
    lappend modes [lindex $::interface($name) 0]
    lappend names $name
  }
  if {[lsort $modes] ne {master slave}} { refuse "$names: one master and one slave, not $modes" }
  lassign $names a b
  set ::joined($a) $b
  set ::joined($b) $a
}
proc get_bd_addr_spaces {args} {
  set name [lindex [arguments get_bd_addr_spaces $args {} {} 1 1] 1 0]
  if {$name ne "ps/Data" && ![info exists ::interface($name)]} { refuse "there is no address space $name" }
  return space:$name
}
proc get_bd_addr_segs {args} {
  set name [lindex [arguments get_bd_addr_segs $args {} {} 1 1] 1 0]
  set found [lsearch -all -inline -glob $::slave_segments $name]
  if {![llength $found]} { refuse "there is no segment $name" }
  return [lmap segment $found {string cat segment: $segment}]
}
proc assign_bd_address {args} {
  lassign [arguments assign_bd_address $args {} {-offset -range -target_address_space} 1 1] options rest
  set offset [expr {[dict exists $options -offset] ? [dict get $options -offset] : "auto"}]
  set range [expr {[dict exists $options -range] ? [dict get $options -range] : "auto"}]
  if {$offset ne "auto" && ($offset % $range || $offset < 0xa0000000 || $offset + $range > 0xb0000000)} {
    refuse "offset $offset, range $range lie outside of HPM0_FPD's window"
  }
  set ::address([string range [lindex $rest 0] 8 end]) [list [string range [dict get $options -target_address_space] 6 end] $offset $range]
}
proc exclude_bd_addr_seg {args} {
  lassign [arguments exclude_bd_addr_seg $args {} {-target_address_space} 1 1] options rest
  set ::excluded([string range [lindex $rest 0] 8 end]) 1
}

# The net that clocks an interface or a cell.
proc clock_of {name} { return $::driver([file dirname $name]/[lindex $::interface($name) 1]) }
proc check_clocks {} {
  foreach {name other} [array get ::joined] {
    set cell [file dirname $name]
    if {$::cell_ip($cell) eq "smartconnect"} continue
    set via [file dirname $other]
    if {$::cell_ip($via) ne "smartconnect"} { refuse "$name meets $other without a SmartConnect" }
    set clocks [list $::driver($via/aclk)]
    if {[info exists ::driver($via/aclk1)]} { lappend clocks $::driver($via/aclk1) }
    if {[clock_of $name] ni $clocks} { refuse "$name runs at [clock_of $name], $via at $clocks" }
  }
  foreach {pin source} [array get ::driver *aresetn] {
    set cell [file dirname $pin]
    if {[file tail $source] ni {peripheral_aresetn interconnect_aresetn}} { refuse "$pin takes $source" }
    set clocks {}
    foreach clock [array names ::driver $cell/aclk*] { lappend clocks $::driver($clock) }
    if {$::driver([file dirname $source]/slowest_sync_clk) ni $clocks} { refuse "$pin is released by a clock that $cell does not have" }
  }
}
proc validate_bd_design {args} {
  arguments validate_bd_design $args {} {} 0 0
  foreach {name facts} [array get ::pin] {
    lassign $facts direction condition
    if {$direction eq "in" && [holds [file dirname $name] $condition] && ![info exists ::driver($name)]} { refuse "$name is not connected" }
  }
  foreach {name facts} [array get ::interface] {
    if {[holds [file dirname $name] [lindex $facts 2]] && ![info exists ::joined($name)]} { refuse "$name is not connected" }
  }
  foreach segment $::slave_segments {
    if {![info exists ::address($segment)] && ![info exists ::excluded($segment)]} { refuse "$segment has no address" }
  }
  check_clocks
}
proc save_bd_design {args} { arguments save_bd_design $args {} {} 0 0 }
proc make_wrapper {args} { arguments make_wrapper $args {-top -import} -files 0 0 }

# ---- runs: an implementation that did what it should ----
proc launch_runs {args} {
  lassign [arguments launch_runs $args {} {-to_step -jobs} 1 1] options rest
  if {[dict get $options -to_step] ne "write_bitstream" || ![string is integer -strict [dict get $options -jobs]]} { refuse "launch_runs: $args" }
}
proc wait_on_run {args} {
  arguments wait_on_run $args {} {} 1 1
  array set ::run_property [list synth_1,PROGRESS 100% impl_1,PROGRESS 100% impl_1,STATS.WNS $::env(STUB_SLACK) impl_1,STATS.WHS 0.01 \
    impl_1,DIRECTORY $::env(STUB_OUT)/run]
  file mkdir $::env(STUB_OUT)/run
  close [open $::env(STUB_OUT)/run/system_wrapper.bit w]
}
proc get_runs {args} {
  set run [lindex [arguments get_runs $args {} {} 1 1] 1 0]
  if {$run ni {synth_1 impl_1}} { refuse "there is no run $run" }
  return run:$run
}
proc open_run {args} { arguments open_run $args {} {} 1 1 }
proc report_timing_summary {args} { arguments report_timing_summary $args {} -file 0 0 }
proc report_utilization {args} { arguments report_utilization $args -hierarchical -file 0 0 }
proc write_hw_platform {args} {
  lassign [arguments write_hw_platform $args {-fixed -include_bit -force} -file 0 0] options
  if {![string match *.xsa [dict get $options -file]]} { refuse "write_hw_platform writes .xsa" }
}

set script [lindex $argv 0]
set argv [lrange $argv 1 end]
if {[catch {source $script} message]} { puts stderr $message; exit 1 }
foreach cell [lsort [array names cell_ip]] { puts "cell $cell $cell_ip($cell)" }
foreach key [lsort [array names property]] { puts "property $key $property($key)" }
foreach name [lsort [array names driver]] { puts "net $name $driver($name)" }
foreach name [lsort [array names joined]] { puts "bus $name $joined($name)" }
foreach name [lsort [array names address]] { puts "address $name $address($name)" }

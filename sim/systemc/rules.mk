# The SystemC model of the device and the virtual platform: build/mxvp and
# build/engines/systemc.so. Included by the Makefile.
systemc_c   := $(call obj,$(wildcard sim/systemc/*.c))
systemc_cpp := $(patsubst %.cpp,$B/%.o,$(filter-out %/main.cpp %/engine.cpp,$(wildcard sim/systemc/*.cpp)))
systemc_engine := $(addprefix $B/sim/systemc/,engine.o platform.o device.o device_memory.o memory.o bus.o host_cpu.o rv_cpu.o system.o)
SCXX := $(CXX) -std=c++17 -Wall -Wextra -Wshadow -Wno-missing-field-initializers -Werror -I. -I$B/gen -MMD -MP -O2 -g -fPIC

$B/sim/systemc/%.o: sim/systemc/%.cpp | $B/gen/build_id.h
	$(call say,CXX,$<)
	$(Q)mkdir -p $(@D) && $(SCXX) -c -o $@ $<
$B/libsystemc_model.a: $(systemc_cpp) $(systemc_c)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
systemc: $B/mxvp $B/engines/systemc.so ## the SystemC model: virtual platform build/mxvp, engine for mxf
.PHONY: systemc
# The C it needs of the system on chip; the rest comes with the engine that it is given.
systemc_soc := $(addprefix $B/sim/systemc/pic/,rv.o system.o mx_frame.o)
$(systemc_soc): $B/sim/systemc/pic/%.o:
	$(call say,CC,$@)
	$(call cc_object,-fPIC)
$B/sim/systemc/pic/rv.o: sim/soc/rv.c
$B/sim/systemc/pic/system.o: sim/soc/system.c
$B/sim/systemc/pic/mx_frame.o: firmware/mx_frame.c
$B/engines/systemc.so: $(systemc_engine) $(systemc_soc)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CXX) -shared -Wl,-Bsymbolic,-z,defs -o $@.tmp $^ -lsystemc && mv $@.tmp $@
$B/mxvp: $B/sim/systemc/main.o $B/libsystemc_model.a $(libs)
	$(call say,LD,$@)
	$(Q)$(CXX) -o $@.tmp $< -Wl,--start-group $B/libsystemc_model.a $(libs) -Wl,--end-group -lsystemc -ldl $(LDLIBS) && mv $@.tmp $@

# Its tests: a program, and tests/systemc/run.sh with mxvp.
systemc_tests := $B/systemc/test_platform $B/systemc/example $B/mxvp $B/engines/systemc.so $B/soc/platform.bin \
  $B/firmware/boot.bin $B/firmware/main.rv32im.bin
$B/tests/systemc/%.o: tests/systemc/%.cpp | $B/gen/build_id.h
	$(call say,CXX,$<)
	$(Q)mkdir -p $(@D) && $(SCXX) -c -o $@ $<
$B/systemc/test_platform: $B/tests/systemc/test_platform.o $B/tests/systemc/platform_test.o $B/tests/unit/toy_image.o $B/libsystemc_model.a $(libs)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CXX) -o $@.tmp $(filter %.o,$^) -Wl,--start-group $B/libsystemc_model.a $(libs) -Wl,--end-group -lsystemc -ldl -lcmocka $(LDLIBS) && mv $@.tmp $@
# The platform of the README.
$B/systemc/example.cpp: sim/systemc/README.md
	$(Q)mkdir -p $(@D) && awk '/^```cpp/ {f = 1; next} /^```/ {f = 0} f' $< > $@
$B/systemc/example: $B/systemc/example.cpp $B/libsystemc_model.a $(libs)
	$(call say,CXX,$<)
	$(Q)$(SCXX) -MF $@.d -o $@.tmp $< -Wl,--start-group $B/libsystemc_model.a $(libs) -Wl,--end-group -lsystemc -ldl $(LDLIBS) && mv $@.tmp $@

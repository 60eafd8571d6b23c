// mxvp: the virtual platform as a command.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <systemc>

#include "sim/systemc/platform.h"
#include "sim/systemc/uart.h"

extern "C" {
#include "compiler/asm/asm.h"
#include "compiler/cli.h"
#include "sim/run.h"
#include "sim/soc/flash.h"
#include "sim/systemc/debug.h"
#include "sim/systemc/trace.h"
}

namespace {

const char usage[] =
    "usage: mxvp IMAGE [options]\n"
    "\n"
    "Run a program image (mxf compile) on a SystemC model of the system on chip: the\n"
    "accelerator as cycle model or as Verilated RTL behind TLM-2.0 sockets, SDRAM, and as\n"
    "processor the host's own (firmware/mx_runtime, natively) or the RISC-V model.\n"
    "\n";

// OPTION(symbol, letter, name, argument or NULL, "help")
#define OPTIONS(OPTION)                                                                            \
  OPTION(DEVICE, 'e', "device", "NAME", "cycle (golden results, exact times) or rtl (default cycle)") \
  OPTION(TIMING, 'a', "timing", "T", "lt: loosely timed; at: approximately timed (default lt)")    \
  OPTION(CPU, 'u', "cpu", "NAME", "host: the runtime natively; rv: RISC-V (default host)")         \
  OPTION(PROMPT, 'p', "prompt", "TEXT", "host: text to begin with")                                \
  OPTION(TOKENS, 'n', "tokens", "N", "host: generate at most N tokens (default 32)")               \
  OPTION(JSON, 'j', "json", NULL, "host: print one JSON object on stdout and nothing else")        \
  OPTION(STATS, 's', "stats", NULL, "host: print every counter")                                   \
  OPTION(FIRMWARE, 'f', "firmware", "FILE", "rv: with --rom into the flash chip beside IMAGE, else into RAM, and start there") \
  OPTION(ROM, 'r', "rom", "FILE", "rv: contents of the boot ROM, and start there")                 \
  OPTION(UNTIL, 'w', "until", "TEXT", "rv: end when the UART has said TEXT")                       \
  OPTION(UART, 'U', "uart", "WHERE", "rv: stdio, or pty (default stdio)")                          \
  OPTION(QUANTUM, 'q', "quantum", "CYCLES", "rv: the processor runs ahead so far at most (default 1000)") \
  OPTION(NO_DMI, 'N', "no-dmi", NULL, "the SDRAM does not grant DMI")                              \
  OPTION(TRACE, 't', "trace", "FILE", "every transaction on the bus, and instructions of the device") \
  OPTION(FORMAT, 'T', "trace-format", "FORMAT", "text, csv or json (default text)")                \
  OPTION(VCD, 'v', "vcd", "FILE", "waveform of the interrupts, as VCD; FILE ends in .vcd")         \
  OPTION(BREAK, 'b', "break", "LIST", "stop at instructions: ADDRESS or OPERATOR:N, by commas")    \
  OPTION(COMMANDS, 'x', "commands", "FILE", "commands at stops (default: from the terminal)")      \
  OPTION(VARIANT, 'V', "variant", "NAME", "rtl: another build, engines/rtl_SET_NAME.so")           \
  OPTION(ENGINES, 'D', "engines", "DIR", "rtl: where the RTL builds are (default: engines beside mxvp)")

enum {
#define OPTION(symbol, letter, name, argument, help) OPT_##symbol,
  OPTIONS(OPTION)
#undef OPTION
  OPT_COUNT
};

constexpr struct { const char *name, *argument, *help; char letter; } table[] = {
#define OPTION(symbol, letter, name, argument, help) {name, argument, help, letter},
    OPTIONS(OPTION)
#undef OPTION
};

struct arguments {
  const char *text[OPT_COUNT] = {};
  bool flag[OPT_COUNT] = {};
  mx_sim_memory_texts memory = {};
  mx_sim_arguments sim = {};
  mx_trace_format format = MX_TRACE_TEXT;
  mx::timing mode = mx::timing::loose;
  uint64_t quantum = 1000;
  bool rv = false;
};

void print_help() {
  std::fputs(usage, stdout);
  for (const auto &o : table)
    std::printf("  -%c, --%-18s %s\n", o.letter, (std::string(o.name) + " " + (o.argument ? o.argument : "")).c_str(), o.help);
  mx_sim_print_options(MX_SIM_MEMORY, stdout);
  std::puts("\nAt a stop, `help` lists the commands.");
}

// One of two words; *second says which.
mx_status choose(const arguments &a, int option, const char *first, const char *second, bool *is_second, mx_error *e) {
  const char *text = a.text[option] ? a.text[option] : first;
  *is_second = !std::strcmp(text, second);
  if (*is_second || !std::strcmp(text, first)) return MX_OK;
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "--%s %s: expected %s or %s", table[option].name, text, first, second);
}

mx_status check(arguments &a, mx_error *e) {
  bool rtl, at, pty;
  uint64_t tokens = 32;
  if (choose(a, OPT_DEVICE, "cycle", "rtl", &rtl, e) || choose(a, OPT_TIMING, "lt", "at", &at, e) ||
      choose(a, OPT_CPU, "host", "rv", &a.rv, e) || choose(a, OPT_UART, "stdio", "pty", &pty, e))
    return e->status;
  if (a.text[OPT_FORMAT] && !mx_trace_format_of(a.text[OPT_FORMAT], &a.format))
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--trace-format %s: expected text, csv or json", a.text[OPT_FORMAT]);
  if (a.rv && !a.text[OPT_FIRMWARE] && !a.text[OPT_ROM])
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--cpu rv needs --firmware or --rom");
  if (mx_cli_number("quantum", a.text[OPT_QUANTUM], 1, 1u << 30, &a.quantum, e) ||
      mx_cli_number("tokens", a.text[OPT_TOKENS], 0, UINT32_MAX, &tokens, e) ||
      mx_sim_take_memory(&a.memory, &a.sim.device.memory, e))
    return e->status;
  a.mode = at ? mx::timing::approximate : mx::timing::loose;
  a.sim.engine = rtl ? "rtl" : "cycle";
  a.sim.prompt = a.text[OPT_PROMPT] ? a.text[OPT_PROMPT] : "";
  a.sim.tokens = static_cast<uint32_t>(tokens);
  a.sim.stats = a.flag[OPT_STATS];
  a.sim.json = a.flag[OPT_JSON];
  a.sim.device.variant = a.text[OPT_VARIANT];
  a.sim.device.directory = a.text[OPT_ENGINES];
  a.sim.device.memory_base = mx::platform::memory_base;
  return MX_OK;
}

mx_status parse(int argc, char **argv, arguments &a, mx_error *e) {
  mx_cli_option options[OPT_COUNT + MX_SIM_MEMORY_OPTIONS + 1] = {};
  for (int i = 0; i < OPT_COUNT; i++) {
    options[i].name = table[i].name;
    options[i].letter = table[i].letter;
    if (table[i].argument) options[i].value = &a.text[i];
    else options[i].flag = &a.flag[i];
  }
  mx_sim_memory_options(&a.memory, options + OPT_COUNT);
  if (mx_cli_parse(argc, argv, options, "IMAGE", &a.sim.image, &a.sim.help, e) || a.sim.help) return e->status;
  return check(a, e);
}

mx_status load(const char *path, std::vector<unsigned char> &to, mx_error *e) {
  mx_file file = {};
  if (!path) return MX_OK;
  if (mx_file_map(path, &file, e)) return e->status;
  if (file.size_bytes > to.size())
    mx_fail(e, MX_LIMIT, mx_loc{path, 0}, "%zu bytes do not fit where there is room for %zu", size_t(file.size_bytes), to.size());
  else if (file.size_bytes)
    std::memcpy(to.data(), file.data, file.size_bytes);
  mx_file_unmap(&file);
  return e->status;
}

// The platform with what looks at it.
class session {
 public:
  session(const arguments &a, mx_sim_input &input) : a_(a), input_(input) {}
  ~session() { mx_engine_close(engine_); }

  mx_status run(mx_error *e) {
    if (open(e)) return e->status;
    try {
      sc_core::sc_start();
    } catch (const sc_core::sc_report &r) {
      mx_fail(e, MX_DEVICE, MX_NOWHERE, "%s: %s", r.get_msg_type(), r.get_msg());
    }
    if (vcd_) sc_core::sc_close_vcd_trace_file(vcd_);
    mx_trace_close(trace_, e);
    if (!e->status && failed_.status) *e = failed_;
    return e->status;
  }

 private:
  mx_status open(mx_error *e) {
    uint32_t bytes = a_.rv ? std::max<uint32_t>(MX_SOC_MEMORY_BYTES, input_.image->mem_bytes) : input_.image->mem_bytes;
    if (mx_engine_open(a_.sim.engine, input_.image->params, bytes, &a_.sim.device, &engine_, e)) return e->status;
    build();
    return load_memories(e) || open_debug(e) || open_trace(e) ? e->status : MX_OK;
  }

  void build() {
    mx::platform_options o;
    o.mode = a_.mode;
    o.dmi = !a_.flag[OPT_NO_DMI];
    if (a_.sim.device.memory.clock_khz) o.clock_khz = a_.sim.device.memory.clock_khz;
    if (!a_.rv) o.program = [this](mx_engine *g) { generate(g); };
    if (!a_.text[OPT_ROM]) o.reset_pc = MX_SOC_RAM;
    if (a_.rv) tlm::tlm_global_quantum::instance().set(a_.quantum * mx::period_of(o.clock_khz));
    platform_ = std::make_unique<mx::platform>("soc", engine_, o);
  }

  mx_status load_memories(mx_error *e) {
    if (!a_.rv) return MX_OK;
    const char *rom = a_.text[OPT_ROM], *firmware = a_.text[OPT_FIRMWARE];
    if (load(rom, platform_->rom->bytes, e) || load(rom ? nullptr : firmware, platform_->ram->bytes, e) ||
        load_flash(rom ? firmware : nullptr, e) ||
        uart_.open(*platform_->peripherals, a_.text[OPT_UART] && !std::strcmp(a_.text[OPT_UART], "pty"), e))
      return e->status;
    if (a_.text[OPT_UNTIL]) watch_uart(a_.text[OPT_UNTIL]);
    return MX_OK;
  }

  mx_status load_flash(const char *firmware, mx_error *e) {
    mx_flash_parts parts = {nullptr, firmware, a_.sim.image, {}};
    uint8_t *bytes;
    uint32_t first;
    size_t size;
    if (mx_flash_board_find("sim", &parts.board, e)) return e->status;
    parts.board.word = 0;
    if (mx_flash_build(&parts, &bytes, &first, &size, e)) return e->status;
    std::fill(platform_->flash->bytes.begin(), platform_->flash->bytes.end(), 0xff);
    std::memcpy(platform_->flash->bytes.data() + (first - parts.board.bitstream_bytes), bytes, size);
    std::free(bytes);
    return MX_OK;
  }

  // Ends when the last bytes sent are `text`.
  void watch_uart(std::string text) {
    auto sent = platform_->peripherals->sent;
    platform_->peripherals->sent = [this, sent, text](uint8_t byte) {
      sent(byte);
      said_ = (said_ + char(byte)).substr(said_.size() < text.size() ? 0 : 1);
      if (said_ == text) sc_core::sc_stop();
    };
  }

  void generate(mx_engine *g) {
    mx_run_on(g, &a_.sim, &input_, &failed_);
    sc_core::sc_stop();
  }

  mx_status open_debug(mx_error *e) {
    debug_.image = input_.image;
    debug_.target = {this, csr, argument, memory};
    debug_.in = stdin;
    debug_.out = stdout;
    debug_.prompt = !a_.text[OPT_COMMANDS];
    if (const char *path = a_.text[OPT_COMMANDS]; path && !(debug_.in = std::fopen(path, "r")))
      return mx_fail(e, MX_IO, mx_loc{path, 0}, "cannot read the commands: %s", std::strerror(errno));
    std::string list = a_.text[OPT_BREAK] ? a_.text[OPT_BREAK] : "";
    for (size_t at = 0; at < list.size();) {
      size_t end = std::min(list.find(',', at), list.size());
      if (mx_debug_add(&debug_, list.substr(at, end - at).c_str(), e)) return e->status;
      at = end + 1;
    }
    if (list.empty() && !a_.text[OPT_TRACE]) return MX_OK;
    platform_->accel.issued = [this](uint64_t cycle, uint32_t pc) { return issued(cycle, pc); };
    platform_->accel.stopped = [this](uint64_t cycle, uint32_t pc) {
      mx_debug_stop(&debug_, cycle, pc);
      if (debug_.ended) sc_core::sc_stop();
    };
    return MX_OK;
  }

  bool issued(uint64_t cycle, uint32_t pc) {
    if (trace_) trace_instruction(cycle, pc);
    return mx_debug_wants(&debug_, pc);
  }

  // ---- what the debugger may look at ----

  static bool csr(void *self, uint32_t offset, uint32_t *value) {
    return static_cast<session *>(self)->platform_->peek(MX_SOC_ACCEL + offset, value, 4);
  }
  static bool argument(void *self, unsigned index, uint32_t *value) {
    const mx_engine *g = static_cast<session *>(self)->engine_;
    return g->ops->clock->argument(g->self, index, value);
  }
  static bool memory(void *self, uint32_t addr, void *to, uint32_t bytes) {
    auto *s = static_cast<session *>(self);
    return s->platform_->peek(s->engine_->memory_base + addr, to, bytes);
  }

  // ---- traces ----

  mx_status open_trace(mx_error *e) {
    if (const char *path = a_.text[OPT_VCD]) {
      std::string stem = path;
      if (stem.size() < 5 || stem.substr(stem.size() - 4) != ".vcd")
        return mx_fail(e, MX_USAGE, MX_NOWHERE, "--vcd %s: expected a name that ends in .vcd", path);
      vcd_ = sc_core::sc_create_vcd_trace_file(stem.substr(0, stem.size() - 4).c_str());
      platform_->trace(vcd_);
    }
    const char *path = a_.text[OPT_TRACE];
    if (!path || mx_trace_open(path, a_.format, &trace_, e)) return e->status;
    platform_->interconnect.tell = [this](const mx::bus::record &r) { trace_transaction(r); };
    return MX_OK;
  }

  void trace_transaction(const mx::bus::record &r) {
    const tlm::tlm_generic_payload &t = r.trans;
    const bool ended = !std::strcmp(r.phase, "TRANSPORT") || !std::strcmp(r.phase, "END_RESP");
    mx_trace_record record = {static_cast<uint64_t>(r.time / sc_core::sc_time(1, sc_core::SC_PS)), platform_->initiator(r.initiator),
                              r.region, r.phase, t.is_read() ? "read" : "write", r.address, t.get_data_length(),
                              ended || t.is_write() ? t.get_data_ptr() : nullptr,
                              ended ? response_[-t.get_response_status() + 1] : nullptr};
    mx_trace_put(trace_, &record);
  }

  void trace_instruction(uint64_t cycle, uint32_t pc) {
    mx_insn in = {};
    char text[MX_ASM_TEXT_BYTES] = "";
    if (memory(this, pc, in.word, sizeof in.word)) mx_dis_insn(&in, input_.image->params, text);
    mx_trace_record record = {static_cast<uint64_t>(platform_->accel.time_of(cycle) / sc_core::sc_time(1, sc_core::SC_PS)), "accel",
                              "-", "ISSUE", text, pc, 0, nullptr, nullptr};
    mx_trace_put(trace_, &record);
  }

  static constexpr const char *response_[] = {"OK", "INCOMPLETE", "GENERIC_ERROR", "ADDRESS_ERROR", "COMMAND_ERROR",
                                              "BURST_ERROR", "BYTE_ENABLE_ERROR"};

  const arguments &a_;
  mx_sim_input &input_;
  mx_engine *engine_ = nullptr;
  std::unique_ptr<mx::platform> platform_;
  mx::uart uart_;
  std::string said_;  // by the UART last
  mx_debug debug_ = {};
  mx_trace *trace_ = nullptr;
  sc_core::sc_trace_file *vcd_ = nullptr;
  mx_error failed_ = {};  // in the host's program
};

mx_status run(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_sim_input input = {};
  if (parse(argc, argv, a, e)) return e->status;
  if (a.sim.help) {
    print_help();
    return MX_OK;
  }
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  if (!mx_sim_open(&a.sim, &input, e)) session(a, input).run(e);
  mx_sim_close(&input);
  return e->status;
}

}  // namespace

// SystemC prints its name and licence unless told not to.
int main(int argc, char **argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);
  return sc_core::sc_elab_and_sim(argc, argv);
}

int sc_main(int argc, char **argv) {
  mx_error e = {};
  run(argc, argv, &e);
  return mx_report("mxvp", &e);
}

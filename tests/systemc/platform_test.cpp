#include "tests/systemc/platform_test.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

void check(bool ok, const char *file, int line, const char *what) {
  if (ok) return;
  std::printf("%s:%d: not true: %s\n", file, line, what);
  std::fflush(stdout);
  _exit(1);
}

void check_equal(uint64_t a, uint64_t b, const char *file, int line, const char *what) {
  if (a != b) std::printf("0x%" PRIx64 " and 0x%" PRIx64 "\n", a, b);
  check(a == b, file, line, what);
}

static bool passes(const test_case &c) {
  int status = 0;
  std::fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    try {
      c.run();
    } catch (const std::exception &x) {
      check(false, "exception", 0, x.what());
    }
    std::fflush(stdout);
    _exit(0);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) return false;
  if (status && WIFSIGNALED(status)) std::printf("signal %d\n", WTERMSIG(status));
  return status == 0;
}

int run_cases(const std::vector<test_case> &cases) {
  unsigned failed = 0;
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  for (const test_case &c : cases)
    if (!passes(c)) std::printf("FAIL  %s\n", c.name.c_str()), failed++;
  std::printf("%zu passed, %u failed\n", cases.size() - failed, failed);
  return failed != 0;
}

bool outcome::operator==(const outcome &o) const {
  return tokens == o.tokens && cycles == o.cycles && memory == o.memory && counters.size() == o.counters.size() &&
         !std::memcmp(counters.data(), o.counters.data(), counters.size() * sizeof(mx_counters));
}

outcome run_toy(mx_engine *engine, const mx_image *image, unsigned tokens) {
  mx_session s;
  mx_error e = {};
  outcome out;
  uint32_t token = TOY_BOS;
  CHECK(!mx_session_on(&s, image, engine, &e));
  if (mx_session_begin(&s, &e)) std::printf("%s\n", e.text);
  CHECK(!e.status);
  for (unsigned i = 0; i < tokens; i++) {
    if (mx_session_token(&s, token, &token, &e)) std::printf("%s\n", e.text);
    CHECK(!e.status);
    out.tokens.push_back(token);
    out.counters.push_back(s.counters);
  }
  out.cycles = mx_engine_cycles(engine);
  out.memory.resize(image->mem_bytes);
  CHECK(engine->memory.get(engine->memory.self, 0, out.memory.data(), image->mem_bytes));
  return out;
}

mx_engine *open_engine(const char *name, const mx_image *image, const mx_memory_options &memory, uint32_t bytes) {
  mx_engine_options o = {};
  mx_engine *engine;
  mx_error e = {};
  o.memory = memory;
  o.memory_base = MX_SOC_MEMORY;
  o.directory = "build/engines";
  if (mx_engine_open(name, image->params, bytes ? bytes : image->mem_bytes, &o, &engine, &e)) std::printf("%s\n", e.text);
  CHECK(!e.status);
  return engine;
}

void simulate(mx_engine *engine, mx::platform_options options, const std::function<void(mx::platform &, mx_engine *)> &program,
              const std::function<void(mx::platform &)> &look) {
  mx::platform *soc = nullptr;
  bool ended = false;
  options.program = [&](mx_engine *host) {
    program(*soc, host);
    ended = true;
    sc_core::sc_stop();
  };
  soc = new mx::platform("soc", engine, options);
  if (look) look(*soc);
  sc_core::sc_start();
  CHECK(ended);
}

// Nothing of SystemC's own beginning is wanted.
int sc_main(int, char **) { return 0; }

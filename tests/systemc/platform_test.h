#ifndef TEST_SYSTEMC_PLATFORM_TEST_H
#define TEST_SYSTEMC_PLATFORM_TEST_H
// Test cases around a platform. SystemC simulates once per process, so each case runs in
// a child of its own; what it CHECKs is printed with the case when it fails.
#include <functional>
#include <string>
#include <systemc>
#include <vector>

#include "sim/systemc/platform.h"

extern "C" {
#include "golden/image.h"
#include "sim/session.h"
#include "tests/unit/toy_image.h"
}

#define CHECK(condition) check(condition, __FILE__, __LINE__, #condition)
#define CHECK_EQUAL(a, b) check_equal(uint64_t(a), uint64_t(b), __FILE__, __LINE__, #a " == " #b)
void check(bool ok, const char *file, int line, const char *what);
void check_equal(uint64_t a, uint64_t b, const char *file, int line, const char *what);

struct test_case {
  std::string name;
  std::function<void()> run;
};
// Runs each case in a child; prints a line for each that fails, then "N passed, N failed".
int run_cases(const std::vector<test_case> &cases);

// What a toy model did.
struct outcome {
  std::vector<uint32_t> tokens;
  std::vector<mx_counters> counters;  // of each program
  uint64_t cycles = 0;                // of the clock when it was over
  std::vector<uint8_t> memory;        // of the device
  bool operator==(const outcome &o) const;
};

// Begins and feeds `tokens` tokens of the toy image on an engine.
outcome run_toy(mx_engine *engine, const mx_image *image, unsigned tokens = 4);

// An engine for a device with the image's memory, closed when the case ends.
mx_engine *open_engine(const char *name, const mx_image *image, const mx_memory_options &memory, uint32_t bytes = 0);

// The same on a platform whose host is `program`; look is called before simulation starts.
void simulate(mx_engine *engine, mx::platform_options options, const std::function<void(mx::platform &, mx_engine *)> &program,
              const std::function<void(mx::platform &)> &look = nullptr);
#endif

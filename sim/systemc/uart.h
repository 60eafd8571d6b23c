#ifndef MX_SYSTEMC_UART_H
#define MX_SYSTEMC_UART_H
// The other end of the platform's UART: standard input and output, or a pseudo-terminal.
#include "sim/systemc/system.h"

extern "C" {
#include "golden/error.h"
}

namespace mx {

class uart {
 public:
  ~uart();
  // Bytes go both ways from now on. With `pty` the name of the terminal is printed on
  // stderr; else input is taken from stdin as it comes, and never waited for.
  mx_status open(system &peripherals, bool pty, mx_error *e);

 private:
  int receive(bool idle);
  int in_ = -1, out_ = -1, terminal_ = -1;  // terminal_: its other side, so that it is never without
};

}  // namespace mx
#endif

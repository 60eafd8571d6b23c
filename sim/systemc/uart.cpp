#include "sim/systemc/uart.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace mx {

constexpr int idle_ms = 10;  // that a look at the input may take when nothing else goes on

// What was sent is lost when a pseudo-terminal closes: whoever reads it has a second.
uart::~uart() {
  if (terminal_ < 0) return;
  for (int i = 0, unread = 1; i < 100 && unread; i++) {
    usleep(1000 * idle_ms);
    if (ioctl(terminal_, FIONREAD, &unread)) break;
  }
  close(terminal_);
  close(in_);
}

// A pseudo-terminal that passes bytes as they are; false: it cannot be made.
static bool open_terminal(int *master, int *other) {
  termios raw;
  *master = posix_openpt(O_RDWR | O_NOCTTY);
  if (*master < 0 || grantpt(*master) || unlockpt(*master)) return false;
  *other = ::open(ptsname(*master), O_RDWR | O_NOCTTY);
  if (*other < 0 || tcgetattr(*other, &raw)) return false;
  cfmakeraw(&raw);
  return !tcsetattr(*other, TCSANOW, &raw);
}

mx_status uart::open(system &peripherals, bool pty, mx_error *e) {
  if (pty) {
    if (!open_terminal(&in_, &terminal_))
      return mx_fail(e, MX_IO, MX_NOWHERE, "cannot make a pseudo-terminal: %s", std::strerror(errno));
    out_ = in_;
    std::fprintf(stderr, "UART at %s\n", ptsname(in_));
  } else {
    in_ = STDIN_FILENO;
    out_ = STDOUT_FILENO;
  }
  peripherals.sent = [this](uint8_t byte) {
    if (write(out_, &byte, 1) != 1) out_ = -1;
  };
  peripherals.receive = [this](bool idle) { return receive(idle); };
  return MX_OK;
}

int uart::receive(bool idle) {
  unsigned char byte;
  pollfd p = {in_, POLLIN, 0};
  if (poll(&p, 1, idle ? idle_ms : 0) <= 0) return system::nothing;
  ssize_t n = read(in_, &byte, 1);
  if (n == 1) return byte;
  return terminal_ < 0 ? system::ended : system::nothing;
}

}  // namespace mx

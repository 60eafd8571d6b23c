#include "sim/systemc/uart.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace mx {

constexpr int idle_ms = 10;  // that a look at the input may take when nothing else goes on

uart::~uart() {
  if (terminal_ >= 0) close(terminal_);
}

// A pseudo-terminal that passes bytes as they are, or -1.
static int open_terminal() {
  int fd = posix_openpt(O_RDWR | O_NOCTTY);
  termios raw;
  if (fd < 0 || grantpt(fd) || unlockpt(fd) || tcgetattr(fd, &raw)) return -1;
  cfmakeraw(&raw);
  tcsetattr(fd, TCSANOW, &raw);
  return fd;
}

mx_status uart::open(system &peripherals, bool pty, mx_error *e) {
  if (pty) {
    terminal_ = in_ = out_ = open_terminal();
    if (terminal_ < 0) return mx_fail(e, MX_IO, MX_NOWHERE, "cannot make a pseudo-terminal: %s", std::strerror(errno));
    std::fprintf(stderr, "UART at %s\n", ptsname(terminal_));
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
  return terminal_ < 0 ? system::ended : system::nothing;  // nobody has opened the terminal
}

}  // namespace mx

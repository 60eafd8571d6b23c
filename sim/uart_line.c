#define _DEFAULT_SOURCE  // cfmakeraw, and speeds beyond 38400
#include "sim/uart_line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// ---- bytes -------------------------------------------------------------------------

static uint32_t now_ms(void *self) {
  (void)self;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint32_t)((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

// Wait until the line is ready for `events`; false: not in time, or it broke.
static bool ready(const mx_uart_line *u, short events, uint32_t timeout_ms, bool *broke) {
  struct pollfd p = {.fd = u->fd, .events = events};
  int n = poll(&p, 1, timeout_ms < INT32_MAX ? (int)timeout_ms : INT32_MAX);
  *broke = (n < 0 && errno != EINTR) || (n > 0 && !(p.revents & events));
  return n > 0 && p.revents & events;
}

// A line that takes no byte for a second is as good as gone.
static bool send(void *self, const uint8_t *bytes, uint32_t count) {
  const mx_uart_line *u = self;
  bool broke;
  for (uint32_t sent = 0; sent < count;) {
    if (!ready(u, POLLOUT, 1000, &broke)) return false;
    ssize_t n = write(u->fd, bytes + sent, count - sent);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
    sent += n > 0 ? (uint32_t)n : 0;
  }
  return true;
}

static int receive(void *self, uint32_t timeout_ms) {
  mx_uart_line *u = self;
  bool broke;
  if (u->first < u->count) return u->bytes[u->first++];
  if (!ready(u, POLLIN, timeout_ms, &broke)) return broke ? MX_LINE_GONE : MX_LINE_SILENT;
  ssize_t n = read(u->fd, u->bytes, sizeof u->bytes);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return MX_LINE_SILENT;
  if (n <= 0) return MX_LINE_GONE;
  u->first = 1;
  u->count = (uint32_t)n;
  return u->bytes[0];
}

mx_line mx_uart_line_of(mx_uart_line *u) { return (mx_line){u, send, receive, now_ms}; }

// ---- opening -----------------------------------------------------------------------

static const struct { uint32_t baud; speed_t speed; } speeds[] = {
    {9600, B9600},       {19200, B19200},     {38400, B38400},     {57600, B57600},
    {115200, B115200},   {230400, B230400},
#ifdef B3000000
    {460800, B460800},   {500000, B500000},   {576000, B576000},   {921600, B921600},   {1000000, B1000000},
    {1152000, B1152000}, {1500000, B1500000}, {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000},
#endif
};

static mx_status find_speed(uint32_t baud, speed_t *speed, mx_error *e) {
  for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++)
    if (speeds[i].baud == baud) return *speed = speeds[i].speed, MX_OK;
  return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "--baud %u: a line has 9600, 19200, 38400, 57600, 115200, 230400, 460800, 500000, "
                 "576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000 or 3000000", (unsigned)baud);
}

static mx_status refused(const char *path, mx_error *e) {
  const char *hint = "";
  if (errno == EACCES) hint = "; serial lines are for the group dialout: usermod -a -G dialout USER, then log in again";
  if (errno == ENOENT) hint = "; is the board connected? ls /dev/ttyUSB* /dev/ttyACM*";
  return mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot open the serial line: %s%s", strerror(errno), hint);
}

static mx_status make_raw(int fd, const char *path, speed_t speed, mx_error *e) {
  struct termios t;
  if (tcgetattr(fd, &t)) return mx_fail(e, MX_IO, (mx_loc){path, 0}, "not a serial line: %s", strerror(errno));
  cfmakeraw(&t);
  t.c_cflag |= CLOCAL | CREAD;
  t.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS);
  t.c_cc[VMIN] = 0;
  t.c_cc[VTIME] = 0;
  if (cfsetispeed(&t, speed) || cfsetospeed(&t, speed) || tcsetattr(fd, TCSANOW, &t))
    return mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot set the serial line: %s", strerror(errno));
  tcflush(fd, TCIOFLUSH);
  return MX_OK;
}

mx_status mx_uart_line_open(mx_uart_line *u, const char *path, uint32_t baud, mx_error *e) {
  speed_t speed = B115200;
  *u = (mx_uart_line){.fd = -1};
  if (find_speed(baud, &speed, e)) return e->status;
  u->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (u->fd < 0) return refused(path, e);
  if (make_raw(u->fd, path, speed, e)) mx_uart_line_close(u);
  return e->status;
}

void mx_uart_line_close(mx_uart_line *u) {
  if (u->fd >= 0) close(u->fd);
  u->fd = -1;
}

#include "firmware/mx_serial_board.h"

// Called last by what runs for each byte, which so needs no stack.
#define SELDOM __attribute__((noinline))

void mx_serial_board_open(mx_serial_board *s, const mx_board *board) {
  *s = (mx_serial_board){.board = board, .out = {.self = board->self, .send = board->send}};
}

// ---- accesses ----------------------------------------------------------------------

static uint32_t fact(const mx_board *b, uint32_t index) {
  switch (index & 7) {
    case MX_FACT_PROTOCOL: return (uint32_t)MX_FRAME_MAGIC << 16 | MX_FRAME_VERSION;
    case MX_FACT_CLOCK_HZ: return b->clock_hz;
    case MX_FACT_MEMORY_BASE: return b->memory_base_256;
    case MX_FACT_MEMORY_BYTES: return b->memory_bytes;
    default: return b->flash_bytes;
  }
}

static uint32_t wait(const mx_board *b, uint32_t addr) {
  uint32_t end = 1u << MX_FRAME_WAIT_END_BIT;
  return b->wait(b->self, addr < end ? (end - addr + 3) / 4 : 0);
}

static uint32_t read(mx_serial_board *s, uint32_t addr) {
  const mx_board *b = s->board;
  uint32_t space = mx_frame_space(s->tag), word = 0;
  if (space == MX_FRAME_SPACE_BOARD) return fact(b, addr / 4);
  if (space == MX_FRAME_SPACE_WAIT) return wait(b, addr);
  if (!b->read(b->self, space, addr, &word)) s->refused = true;
  return word;
}

static void write(mx_serial_board *s, uint32_t addr) {
  uint32_t space = mx_frame_space(s->tag);
  bool can = space == MX_FRAME_SPACE_CSR || space == MX_FRAME_SPACE_MEMORY;
  if (!can || !s->board->write(s->board->self, space, addr, s->word)) s->refused = true;
}

// ---- answers -----------------------------------------------------------------------

static void end_answer(mx_serial_board *s) {
  uint8_t status = (uint8_t)((s->bad ? MX_FRAME_DAMAGED : 0) | (s->refused ? MX_FRAME_REFUSED : 0));
  mx_frame_put(&s->out, (uint8_t)((s->tag & ~(MX_FRAME_DAMAGED | MX_FRAME_REFUSED)) | status));
  mx_frame_put_crc(&s->out);
  s->in.open = false;
}

static void answer_read(mx_serial_board *s) {
  uint32_t words = mx_frame_space(s->tag) == MX_FRAME_SPACE_WAIT ? 1 : s->count + 1u;
  mx_frame_begin(&s->out);
  for (uint32_t i = 0; i < words; i++) mx_frame_put_word(&s->out, read(s, s->addr + 4 * i));
  end_answer(s);
}

static void answer_write(mx_serial_board *s) {
  mx_frame_begin(&s->out);
  end_answer(s);
}

// ---- requests ----------------------------------------------------------------------

// Words of such a write act as they come.
static bool streams(const mx_serial_board *s) {
  return mx_frame_space(s->tag) == MX_FRAME_SPACE_MEMORY && !(s->tag & MX_FRAME_KIND_FILL);
}

static void next_field(mx_serial_board *s, mx_board_field field) {
  s->field = field;
  s->at = 0;
}

SELDOM static void end_head(mx_serial_board *s) {
  if (s->bad) {
    s->in.open = false;
  } else if (s->tag & MX_FRAME_KIND_WRITE) {
    next_field(s, MX_BOARD_DATA);
  } else {
    s->last_seq = mx_frame_seq(s->tag);
    answer_read(s);
  }
}

SELDOM static void end_word(mx_serial_board *s) {
  if (streams(s)) {
    const mx_board *b = s->board;
    if (!b->write(b->self, MX_FRAME_SPACE_MEMORY, s->addr, s->word)) s->refused = true;
    s->addr += 4;
    next_field(s, s->count-- ? MX_BOARD_DATA : MX_BOARD_DATA_CRC);
  } else {
    next_field(s, MX_BOARD_DATA_CRC);
  }
}

SELDOM static void end_data(mx_serial_board *s) {
  bool repeated = mx_frame_seq(s->tag) == s->last_seq;
  if (!s->bad) s->last_seq = mx_frame_seq(s->tag);
  if (!s->bad && !repeated && !streams(s))
    for (uint32_t i = 0; i <= s->count; i++) write(s, s->addr + 4 * i);
  answer_write(s);
}

static void begin(mx_serial_board *s) {
  next_field(s, MX_BOARD_HEAD);
  s->crc = MX_CRC_BEGIN;
  s->bad = s->refused = false;
}

static void take_head(mx_serial_board *s, uint8_t byte) {
  if (s->at == 0) s->tag = byte;
  else if (s->at == 1) s->count = byte;
  else s->addr = s->addr >> 8 | (uint32_t)byte << 24;
  s->crc = mx_frame_crc(s->crc, byte);
  if (++s->at == MX_FRAME_HEAD_BYTES) next_field(s, MX_BOARD_HEAD_CRC);
}

static void take_word(mx_serial_board *s, uint8_t byte) {
  s->word = s->word >> 8 | (uint32_t)byte << 24;
  s->crc = mx_frame_crc(s->crc, byte);
  if (++s->at == 4) end_word(s);
}

static void take_crc(mx_serial_board *s, uint8_t byte) {
  if (byte != mx_frame_byte(~s->crc, s->at)) s->bad = true;
  if (++s->at < MX_FRAME_CRC_BYTES) return;
  s->crc = MX_CRC_BEGIN;
  if (s->field == MX_BOARD_HEAD_CRC) end_head(s);
  else end_data(s);
}

void mx_serial_board_take(mx_serial_board *s, uint8_t byte) {
  mx_frame_event event = mx_unframe(&s->in, &byte);
  if (event == MX_BYTE_NONE) return;
  if (event == MX_BYTE_FLAG) begin(s);
  else if (s->field == MX_BOARD_DATA) take_word(s, byte);
  else if (s->field == MX_BOARD_HEAD) take_head(s, byte);
  else take_crc(s, byte);
}

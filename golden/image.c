// Reading and writing program images. The layout is in image.h; sections are
//   memory     initial contents of the device's memory, from byte 0
//   tokenizer  opaque here (golden/tokenizer_format.h)
//   notes      for each: u32 address, char[60] zero-padded text; ascending
//   info       JSON text
//   basis      opaque here; not there for a model in its own basis
// Each kind stands at most once; memory must be there.
#include "golden/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>  // crc32

#include "golden/bytes.h"
#include "golden/writer.h"

enum { SET_BYTES = 12, FACT_SLOTS = 16, NOTE_BYTES = 64, CHUNK_BYTES = 1 << 20 };
enum { HEADER_MOST = MX_IMAGE_SECTIONS_AT + MX_IMAGE_KINDS * MX_IMAGE_SECTION_BYTES + MX_IMAGE_ALIGN };

static const struct { const char *name; size_t at; } facts[] = {
#define FACT(name, text) {#name, offsetof(mx_image, name)},
    MX_IMAGE_FACTS(FACT)
#undef FACT
};
enum { FACTS = sizeof facts / sizeof *facts };

static uint32_t *fact(mx_image *image, size_t i) { return (uint32_t *)(void *)((char *)image + facts[i].at); }

// ---- what an image must satisfy, read or to be written -----------------------------

// Where a fact stands in the file.
static mx_loc fact_loc(const char *path, size_t member) {
  size_t i = 0;
  while (facts[i].at != member) i++;
  return (mx_loc){path, MX_IMAGE_FACTS_AT + 4 * i};
}
#define AT(member) fact_loc(path, offsetof(mx_image, member))

static bool inside(uint64_t at, uint64_t bytes, uint64_t size) { return bytes <= size && at <= size - bytes; }

static mx_status check_entry(mx_loc at, const mx_image *im, uint32_t entry, mx_error *e) {
  uint32_t beat = mx_beat_bytes(im->params), align = beat > 16 ? beat : 16;
  if (entry % align)
    return mx_fail(e, MX_FORMAT, at, "program at 0x%" PRIx32 " is not a multiple of %" PRIu32 " bytes", entry, align);
  if (!inside(entry, 16, im->mem_bytes))
    return mx_fail(e, MX_FORMAT, at, "program at 0x%" PRIx32 " lies outside the memory of %" PRIu32 " bytes", entry,
                   im->mem_bytes);
  return MX_OK;
}

static mx_status check_id(mx_loc at, uint32_t id, uint32_t vocab_size, mx_error *e) {
  if (id < vocab_size || id == UINT32_MAX) return MX_OK;  // -1: the model has none
  return mx_fail(e, MX_FORMAT, at, "token %" PRIu32 " is outside the vocabulary of %" PRIu32, id, vocab_size);
}

static mx_status check_results(const char *path, const mx_image *im, mx_error *e) {
  uint64_t choices = im->choice_rows ? ((uint64_t)im->vocab_size + im->choice_rows - 1) / im->choice_rows : 1;
  if (!inside(im->result_addr, 4 * choices, im->mem_bytes))
    return mx_fail(e, MX_FORMAT, AT(result_addr), "result at 0x%" PRIx32 " lies outside the memory", im->result_addr);
  if (!inside(im->logits_addr, 4 * (uint64_t)im->vocab_size, im->mem_bytes))
    return mx_fail(e, MX_FORMAT, AT(logits_addr), "%" PRIu32 " logits at 0x%" PRIx32 " do not lie inside the memory",
                   im->vocab_size, im->logits_addr);
  return MX_OK;
}

static mx_status check_prefix(const char *path, const mx_image *im, mx_error *e) {
  if (im->prefix_tokens >= im->context_length)
    return mx_fail(e, MX_FORMAT, AT(prefix_tokens), "a prefix of %" PRIu32 " tokens leaves no room in a context of %" PRIu32,
                   im->prefix_tokens, im->context_length);
  if (im->prefix_tokens && im->bos_id == UINT32_MAX)
    return mx_fail(e, MX_FORMAT, AT(bos_id), "there is a prefix, but no token that begins a text");
  return MX_OK;
}

static mx_status check_batch(const char *path, const mx_image *im, mx_error *e) {
  uint32_t n = im->batch_tokens, row = im->embedding_row_bytes;
  if (!n && (im->batch_entry || im->batch_rows_addr || im->embedding_addr || row))
    return mx_fail(e, MX_FORMAT, AT(batch_tokens), "facts of a batch of no tokens");
  if (!n) return MX_OK;
  if (n > im->params->TOKENS)
    return mx_fail(e, MX_FORMAT, AT(batch_tokens), "batches of %" PRIu32 " tokens on a device with %" PRIu32 " columns", n,
                   im->params->TOKENS);
  if (!row || !inside(im->batch_rows_addr, (uint64_t)n * row, im->mem_bytes))
    return mx_fail(e, MX_FORMAT, AT(batch_rows_addr), "%" PRIu32 " rows of %" PRIu32 " bytes do not lie inside the memory", n, row);
  if (!inside(im->embedding_addr, (uint64_t)im->vocab_size * row, im->mem_bytes))
    return mx_fail(e, MX_FORMAT, AT(embedding_addr), "an embedding of %" PRIu32 " rows of %" PRIu32 " bytes lies outside the memory",
                   im->vocab_size, row);
  return check_entry(AT(batch_entry), im, im->batch_entry, e);
}

static mx_status check_facts(const char *path, const mx_image *im, mx_error *e) {
  if (!im->vocab_size) return mx_fail(e, MX_FORMAT, AT(vocab_size), "the vocabulary is empty");
  if (!im->context_length) return mx_fail(e, MX_FORMAT, AT(context_length), "the context has no position");
  if (im->memory_bytes > im->mem_bytes)
    return mx_fail(e, MX_FORMAT, AT(mem_bytes), "initial contents of %" PRIu32 " bytes exceed the memory of %" PRIu32,
                   im->memory_bytes, im->mem_bytes);
  if (check_entry(AT(init_entry), im, im->init_entry, e)) return e->status;
  if (check_entry(AT(token_entry), im, im->token_entry, e)) return e->status;
  if (check_id(AT(bos_id), im->bos_id, im->vocab_size, e)) return e->status;
  if (check_id(AT(eos_id), im->eos_id, im->vocab_size, e)) return e->status;
  if (check_prefix(path, im, e) || check_batch(path, im, e)) return e->status;
  return check_results(path, im, e);
}

static mx_status check_notes(mx_loc at, const mx_image *im, mx_error *e) {
  for (uint32_t i = 0; i < im->n_notes; i++, at.offset_bytes += NOTE_BYTES) {
    if (!memchr(im->notes[i].text, 0, sizeof im->notes[i].text))
      return mx_fail(e, MX_FORMAT, at, "note %" PRIu32 " has no end", i);
    if (i && im->notes[i].addr <= im->notes[i - 1].addr)
      return mx_fail(e, MX_FORMAT, at, "note %" PRIu32 " is not above the one before it", i);
  }
  return MX_OK;
}

// ---- reading -----------------------------------------------------------------------

typedef struct {
  FILE *file;
  const char *path;
  uint64_t size_bytes;
  uint8_t header[HEADER_MOST];
  mx_image *image;
  bool seen[MX_IMAGE_KINDS + 1];
  mx_error *e;
} reader;

static mx_loc at_offset(const reader *r, uint64_t offset) { return (mx_loc){r->path, offset}; }

static mx_status read_bytes(reader *r, uint64_t offset, void *to, size_t bytes) {
  if (!fseeko(r->file, (off_t)offset, SEEK_SET) && fread(to, 1, bytes, r->file) == bytes) return MX_OK;
  return mx_fail(r->e, MX_IO, at_offset(r, offset), "cannot read: %s",
                 ferror(r->file) ? strerror(errno) : "the file ends");
}

static mx_status read_start(reader *r) {
  struct stat st;
  if (fstat(fileno(r->file), &st)) return mx_fail(r->e, MX_IO, at_offset(r, 0), "cannot read: %s", strerror(errno));
  if (!S_ISREG(st.st_mode)) return mx_fail(r->e, MX_IO, at_offset(r, 0), "not a regular file");
  r->size_bytes = (uint64_t)st.st_size;
  size_t n = r->size_bytes < HEADER_MOST ? (size_t)r->size_bytes : HEADER_MOST;
  if (read_bytes(r, 0, r->header, n)) return r->e->status;
  if (n < 4 || memcmp(r->header, "MXP1", 4))
    return mx_fail(r->e, MX_FORMAT, at_offset(r, 0), "not a program image: it does not begin with MXP1");
  if (n < MX_IMAGE_SECTIONS_AT)
    return mx_fail(r->e, MX_FORMAT, at_offset(r, n), "the file ends inside the header of %d bytes", MX_IMAGE_SECTIONS_AT);
  uint64_t said = mx_load_u64(r->header + MX_IMAGE_SIZE_AT);
  if (said != r->size_bytes)
    return mx_fail(r->e, MX_FORMAT, at_offset(r, MX_IMAGE_SIZE_AT), "the file has %" PRIu64 " bytes, its header says %" PRIu64,
                   r->size_bytes, said);
  return MX_OK;
}

static mx_status read_crc(reader *r) {
  uint8_t *chunk = malloc(CHUNK_BYTES);
  if (!chunk) return mx_fail(r->e, MX_LIMIT, MX_NOWHERE, "out of memory");
  uLong crc = crc32(0, NULL, 0);
  mx_status s = MX_OK;
  for (uint64_t at = MX_IMAGE_SIZE_AT; at < r->size_bytes && !s;) {
    size_t n = r->size_bytes - at < CHUNK_BYTES ? (size_t)(r->size_bytes - at) : CHUNK_BYTES;
    s = read_bytes(r, at, chunk, n);
    if (!s) crc = crc32(crc, chunk, (uInt)n);
    at += n;
  }
  free(chunk);
  uint32_t said = mx_load_u32(r->header + MX_IMAGE_CRC_AT);
  if (!s && said != crc)
    s = mx_fail(r->e, MX_FORMAT, at_offset(r, MX_IMAGE_CRC_AT),
                "the checksum is %08" PRIx32 ", the header says %08" PRIx32 ": the file is damaged", (uint32_t)crc,
                said);
  return s;
}

static mx_status read_identity(reader *r) {
  char name[SET_BYTES + 1] = {0};
  memcpy(name, r->header + MX_IMAGE_SET_AT, SET_BYTES);
  const mx_params *p = r->image->params = mx_params_find(name);
  if (!p) return mx_fail(r->e, MX_UNSUPPORTED, at_offset(r, MX_IMAGE_SET_AT), "this build has no parameter set '%.12s'", name);
  uint32_t id = mx_load_u32(r->header + MX_IMAGE_BUILD_AT);
  if (id != p->build_id)
    return mx_fail(r->e, MX_UNSUPPORTED, at_offset(r, MX_IMAGE_BUILD_AT),
                   "compiled for build %08" PRIx32 " of set %s, this is build %08" PRIx32 ": recompile the model", id,
                   p->name, p->build_id);
  return MX_OK;
}

static mx_status read_facts(reader *r) {
  for (size_t i = 0; i < FACTS; i++) *fact(r->image, i) = mx_load_u32(r->header + MX_IMAGE_FACTS_AT + 4 * i);
  for (size_t i = FACTS; i < FACT_SLOTS; i++)
    if (mx_load_u32(r->header + MX_IMAGE_FACTS_AT + 4 * i))
      return mx_fail(r->e, MX_FORMAT, at_offset(r, MX_IMAGE_FACTS_AT + 4 * i), "an unknown fact is set");
  return MX_OK;
}

static mx_status read_blob(reader *r, uint64_t offset, uint64_t bytes, uint8_t **out, uint32_t *out_bytes) {
  if (bytes > UINT32_MAX) return mx_fail(r->e, MX_LIMIT, at_offset(r, offset), "a section exceeds 4 GiB");
  *out = calloc(bytes + 1, 1);  // one more: text gets its end
  if (!*out)
    return mx_fail(r->e, MX_LIMIT, at_offset(r, offset), "no memory for a section of %" PRIu64 " bytes", bytes);
  if (out_bytes) *out_bytes = (uint32_t)bytes;
  return read_bytes(r, offset, *out, (size_t)bytes);
}

static mx_status read_notes(reader *r, uint64_t offset, uint64_t bytes) {
  mx_image *im = r->image;
  uint8_t *raw = NULL;
  if (bytes % NOTE_BYTES)
    return mx_fail(r->e, MX_FORMAT, at_offset(r, offset), "notes of %" PRIu64 " bytes, not a multiple of %d", bytes,
                   NOTE_BYTES);
  mx_status s = read_blob(r, offset, bytes, &raw, NULL);
  if (!s && !(im->notes = calloc(bytes / NOTE_BYTES + 1, sizeof *im->notes)))
    s = mx_fail(r->e, MX_LIMIT, at_offset(r, offset), "no memory for the notes");
  if (!s) im->n_notes = (uint32_t)(bytes / NOTE_BYTES);
  for (uint32_t i = 0; i < im->n_notes; i++) {
    const uint8_t *from = raw + (size_t)i * NOTE_BYTES;
    im->notes[i].addr = mx_load_u32(from);
    memcpy(im->notes[i].text, from + 4, sizeof im->notes[i].text);
  }
  free(raw);
  return s ? s : check_notes(at_offset(r, offset), im, r->e);
}

static mx_status read_info(reader *r, uint64_t offset, uint64_t bytes) {
  uint8_t *text = NULL;
  mx_status s = read_blob(r, offset, bytes, &text, NULL);
  r->image->info = (char *)text;
  return s;
}

static mx_status read_section(reader *r, uint64_t entry) {
  const uint8_t *b = r->header + entry;
  uint32_t kind = mx_load_u32(b);
  uint64_t offset = mx_load_u64(b + 8), bytes = mx_load_u64(b + 16);
  mx_image *im = r->image;
  if (kind < 1 || kind > MX_IMAGE_KINDS || mx_load_u32(b + 4))
    return mx_fail(r->e, MX_FORMAT, at_offset(r, entry), "unknown section kind %" PRIu32, kind);
  if (r->seen[kind]) return mx_fail(r->e, MX_FORMAT, at_offset(r, entry), "a second section of kind %" PRIu32, kind);
  r->seen[kind] = true;
  if (!inside(offset, bytes, r->size_bytes))
    return mx_fail(r->e, MX_FORMAT, at_offset(r, entry + 8),
                   "a section of %" PRIu64 " bytes at %" PRIu64 " goes beyond the file", bytes, offset);
  switch (kind) {
    case MX_IMAGE_SECTION_MEMORY: return read_blob(r, offset, bytes, &im->memory, &im->memory_bytes);
    case MX_IMAGE_SECTION_TOKENIZER: return read_blob(r, offset, bytes, &im->tokenizer, &im->tokenizer_bytes);
    case MX_IMAGE_SECTION_NOTES: return read_notes(r, offset, bytes);
    case MX_IMAGE_SECTION_BASIS: return read_blob(r, offset, bytes, &im->basis, &im->basis_bytes);
    default: return read_info(r, offset, bytes);
  }
}

static mx_status read_sections(reader *r) {
  uint32_t n = mx_load_u32(r->header + MX_IMAGE_COUNT_AT);
  if (n > MX_IMAGE_KINDS)
    return mx_fail(r->e, MX_FORMAT, at_offset(r, MX_IMAGE_COUNT_AT), "%" PRIu32 " sections, at most %d exist", n, MX_IMAGE_KINDS);
  if (MX_IMAGE_SECTIONS_AT + (uint64_t)n * MX_IMAGE_SECTION_BYTES > r->size_bytes)
    return mx_fail(r->e, MX_FORMAT, at_offset(r, MX_IMAGE_COUNT_AT), "the list of %" PRIu32 " sections goes beyond the file", n);
  for (uint32_t i = 0; i < n; i++)
    if (read_section(r, MX_IMAGE_SECTIONS_AT + (uint64_t)i * MX_IMAGE_SECTION_BYTES)) return r->e->status;
  if (!r->image->memory) return mx_fail(r->e, MX_FORMAT, at_offset(r, MX_IMAGE_COUNT_AT), "there is no memory section");
  if (!r->image->info && !(r->image->info = calloc(1, 1))) return mx_fail(r->e, MX_LIMIT, MX_NOWHERE, "out of memory");
  return MX_OK;
}

static mx_status read_all(reader *r) {
  if (read_start(r) || read_crc(r) || read_identity(r) || read_facts(r) || read_sections(r)) return r->e->status;
  return check_facts(r->path, r->image, r->e);
}

mx_status mx_image_read(const char *path, mx_image **out, mx_error *e) {
  *out = NULL;
  reader r = {.path = path, .e = e, .file = fopen(path, "rb")};
  if (!r.file) return mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot open: %s", strerror(errno));
  r.image = calloc(1, sizeof *r.image);
  mx_status s = r.image ? read_all(&r) : mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  fclose(r.file);
  if (s) mx_image_free(r.image);
  else *out = r.image;
  return s;
}

void mx_image_free(mx_image *image) {
  if (!image) return;
  free(image->memory);
  free(image->tokenizer);
  free(image->notes);
  free(image->basis);
  free(image->info);
  free(image);
}

const char *mx_image_note(const mx_image *image, uint32_t addr) {
  uint32_t below = 0, above = image->n_notes;  // notes[below - 1].addr <= addr < notes[above].addr
  while (below < above) {
    uint32_t middle = below + (above - below) / 2;
    if (image->notes[middle].addr <= addr) below = middle + 1;
    else above = middle;
  }
  return below ? image->notes[below - 1].text : "";
}

// ---- writing -----------------------------------------------------------------------

typedef struct { uint32_t kind; const void *data; uint64_t bytes; } section;
typedef struct { section list[MX_IMAGE_KINDS]; size_t n; } sections;

// The notes as the file holds them; the caller frees them.
static uint8_t *pack_notes(const mx_image *im) {
  uint8_t *raw = calloc(im->n_notes + 1u, NOTE_BYTES);
  for (uint32_t i = 0; raw && i < im->n_notes; i++) {
    mx_store_u32(raw + (size_t)i * NOTE_BYTES, im->notes[i].addr);
    memcpy(raw + (size_t)i * NOTE_BYTES + 4, im->notes[i].text, strlen(im->notes[i].text));
  }
  return raw;
}

static uint64_t aligned(uint64_t bytes) { return (bytes + MX_IMAGE_ALIGN - 1) / MX_IMAGE_ALIGN * MX_IMAGE_ALIGN; }

// All but checksum and size; returns its bytes.
static size_t make_header(const mx_image *im, const sections *all, uint8_t h[HEADER_MOST]) {
  size_t header_bytes = aligned(MX_IMAGE_SECTIONS_AT + all->n * MX_IMAGE_SECTION_BYTES);
  uint64_t at = header_bytes;
  memcpy(h, "MXP1", 4);
  mx_store_u32(h + MX_IMAGE_BUILD_AT, im->params->build_id);
  memcpy(h + MX_IMAGE_SET_AT, im->params->name, strlen(im->params->name));
  for (size_t i = 0; i < FACTS; i++) {
    uint32_t value;
    memcpy(&value, (const char *)im + facts[i].at, sizeof value);
    mx_store_u32(h + MX_IMAGE_FACTS_AT + 4 * i, value);
  }
  mx_store_u32(h + MX_IMAGE_COUNT_AT, (uint32_t)all->n);
  for (size_t i = 0; i < all->n; i++) {
    uint8_t *b = h + MX_IMAGE_SECTIONS_AT + i * MX_IMAGE_SECTION_BYTES;
    mx_store_u32(b, all->list[i].kind);
    mx_store_u64(b + 8, at);
    mx_store_u64(b + 16, all->list[i].bytes);
    at += aligned(all->list[i].bytes);
  }
  return header_bytes;
}

static mx_status put_section(mx_writer *w, const section *s, mx_error *e) {
  static const uint8_t zeros[MX_IMAGE_ALIGN];
  if (mx_writer_put(w, s->data, (size_t)s->bytes, e)) return e->status;
  return mx_writer_put(w, zeros, (size_t)(aligned(s->bytes) - s->bytes), e);
}

static mx_status write_sections(const char *path, const mx_image *im, const sections *all, mx_error *e) {
  uint8_t h[HEADER_MOST] = {0};
  mx_writer *w;
  size_t n = make_header(im, all, h);
  mx_status s = mx_writer_open(path, &w, e);
  if (!s) s = mx_writer_put(w, h, n, e);
  for (size_t i = 0; i < all->n && !s; i++) s = put_section(w, &all->list[i], e);
  if (!s) return mx_writer_commit(w, e);
  mx_writer_abort(w);
  return s;
}

mx_status mx_image_write(const char *path, const mx_image *im, mx_error *e) {
  if (check_facts(path, im, e) || check_notes((mx_loc){path, 0}, im, e)) return e->status;
  uint8_t *notes = pack_notes(im);
  const char *info = im->info ? im->info : "{}";
  sections all = {.n = 4, .list = {{MX_IMAGE_SECTION_INFO, info, strlen(info)},
                                   {MX_IMAGE_SECTION_NOTES, notes, (uint64_t)im->n_notes * NOTE_BYTES},
                                   {MX_IMAGE_SECTION_TOKENIZER, im->tokenizer, im->tokenizer_bytes},
                                   {MX_IMAGE_SECTION_MEMORY, im->memory, im->memory_bytes}}};
  if (im->basis_bytes) all.list[all.n++] = (section){MX_IMAGE_SECTION_BASIS, im->basis, im->basis_bytes};
  if (notes) write_sections(path, im, &all, e);
  else mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  free(notes);
  return e->status;
}

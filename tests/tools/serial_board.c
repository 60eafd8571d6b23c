// A board behind a pseudo-terminal, for mxf run --engine uart:PATH: the firmware's
// end of the serial line over the golden engine. Prints PATH and lives until its
// standard input ends.
//   build/serial-board SET MEMORY_BYTES [NOISE [SEED]]
// NOISE: of a million bytes each way, so many are lost, flipped and doubled.
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/serial_line.h"

int main(int argc, char **argv) {
  if (argc < 3 || !mx_params_find(argv[1])) {
    fputs("usage: serial-board SET MEMORY_BYTES [NOISE [SEED]]\n", stderr);
    return 2;
  }
  serial_line *l = serial_line_open(&(serial_line_options){
      .set = argv[1], .memory_bytes = (uint32_t)strtoul(argv[2], NULL, 0), .noise = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 0,
      .seed = argc > 4 ? strtoull(argv[4], NULL, 0) : 1});
  puts(serial_line_path(l));
  fflush(stdout);
  while (getchar() != EOF) continue;
  serial_line_close(l);
}

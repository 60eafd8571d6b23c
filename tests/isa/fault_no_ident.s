; A program must begin with IDENT.
.set sim
.memory 4096
.program token 0x40
  FENCE
  HALT

; A program of another build.
.set sim
.memory 4096
.program token 0x40
  IDENT build_id=1
  HALT

; STORE runs out of memory after it has written what fits.
.set sim
.memory 4096
.word 0x100 1 2 3 4 5
.program token 0x40
  IDENT build_id=device
  LOAD addr=0x100 dst=0 count=8
  STORE addr=0xff0 src=0 count=8
  HALT

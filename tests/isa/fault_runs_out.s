; A program that leaves the memory.
.set sim
.memory 4096
.program token 0x40
  IDENT build_id=device
  ARG d=A5 add=2 mask=-1 mul=1
  LOOP d=A5 target=252

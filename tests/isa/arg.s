; ARG: shift, mask, multiply, add, each modulo 2^32; A0 stays zero.
.set tiny
.memory 4096
.program token 0
  IDENT build_id=device
  ARG d=A5 a=A1 add=-1 mask=-1 mul=1
  ARG d=A6 a=A1 shift=31 mask=-1 mul=1
  ARG d=A7 a=A2 add=15 shift=4 mask=0xff mul=0x1000001 b=A1
  ARG d=A0 a=A2 mask=-1 mul=1
  ARG d=A8 a=A0 b=A0
  ARG d=A9 a=A5 add=2 mask=-1 mul=-1
  HALT

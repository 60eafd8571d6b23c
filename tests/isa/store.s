; STORE: VMEM wraps at 16 bits, then at its size; count adds A[n] modulo 2^16.
.set tiny
.memory 4096
.word 0x100 1 2 3 4
.program token 0
  IDENT build_id=device
  LOAD addr=0x100 dst=8190 count=4
  STORE addr=0x1f0 a=A1 src=0xfffe n=A2 count=6 wait=m
  STORE addr=0x203 count=0
  HALT

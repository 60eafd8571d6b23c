; LOAD with addr + A[a] off the beat of 16 bytes.
.set sim
.memory 4096
.program token 0x40
  IDENT build_id=device
  LOAD addr=0x100 a=A1 count=1
  HALT

; SUM with ADD is no microinstruction.
.set sim
.memory 4096
.ucode 0x800
  ADD dst=U1 red=sum
  END
.program token 0x40
  IDENT build_id=device
  UCODE addr=0x800 count=2
  VEC wait=m
  HALT

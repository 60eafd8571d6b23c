; UCODE wraps at the end of the control store, and so does the microprogram.
.set tiny
.memory 4096
.ucode 0x800
  LI d=U1 imm=64
  LI d=U3 imm=4
  MOV dst=U1 a=U0 n=U3
  END
.float 0x400 1 2 3 4
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 dst=254 count=4
  LOAD addr=0x400 count=4
  VEC wait=m entry=254
  HALT

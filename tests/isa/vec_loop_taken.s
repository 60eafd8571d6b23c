; As vec_registers, with the last LOOPU taken.
.set sim
.memory 4096
.float 0x400 1 2 3 4
.ucode 0x800
  ADDI d=U9 a=U6 imm=-1
  LI d=U10 imm=3
again:
  ADDI d=U11 a=U11 imm=4
  LOOPU d=U10 imm=again
  LOOPU d=U9 imm=skip
  END
skip:
  ADDU d=U12 a=U11 b=U7
  MOV dst=U12 a=U0 n=U3
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=9
  LOAD addr=0x400 dst=0 count=64
  VEC wait=m u0=0 u3=4 r=A1 s=A2
  HALT

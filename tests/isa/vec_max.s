; MAX: NaN wins, +0 is above -0, a subnormal comes out as its zero; -infinity of nothing.
.set sim
.memory 4096
.float 0x400 1 -0 0 nan
.word 0x410 0x80000000 0x00000001 0x80000000 0x7f800001
.float 0x420 -5 -3 -inf -4
.ucode 0x800
  MAX dst=U1 a=U0 b=U2 n=U3
  MOV dst=U4 a=U5 n=U3 red=max
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=2
  LOAD addr=0x400 dst=0 count=64
  VEC wait=m u0=0 u1=100 u2=4 u3=4 u4=120 u5=8
  VEC u0=0 u1=104 u2=4 u3=0 u4=121 u5=8
  HALT

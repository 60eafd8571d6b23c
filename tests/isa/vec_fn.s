; Functions of exact powers, zeros and infinities.
.set sim
.memory 4096
.float 0x400 3 -1 -inf 200 4 -0 inf -0.5 16 0 -1 inf
.ucode 0x800
  LI d=U8 imm=4
  MOV dst=U0 a=U1 n=U8 fn=exp2
  MOV dst=U2 a=U3 n=U8 fn=recip
  MOV dst=U4 a=U5 n=U8 fn=rsqrt
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=5
  LOAD addr=0x400 dst=0 count=64
  VEC wait=m u0=100 u1=0 u2=104 u3=4 u4=108 u5=8
  HALT

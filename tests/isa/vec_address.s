; The two low bits of a, of b without bcast and of dst without reduction are zeros; addresses wrap.
.set tiny
.memory 4096
.float 0x400 1 2 3 4 10 20 30 40
.ucode 0x800
  ADD dst=U0 a=U1 b=U2 n=U3
  ADD dst=U4 a=U1 b=U5 n=U3 bcast=1
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=3
  LOAD addr=0x400 dst=0 count=64
  VEC wait=m u0=103 u1=3 u2=7 u3=4 u4=0xfffc u5=6
  HALT

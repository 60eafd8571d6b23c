; QUANT to MXINT4: ties to even, saturation, a short last block; NaN and zero blocks.
.set sim
.memory 4096
.float 0x400 1.75 1.999 0.125 0.375 -0.125 0.625 -1.999 -0.375 0.875 1 1 1 1 1 1 1
.float 0x440 4 -2 0.5
.float 0x480 1 nan 3
.ucode 0x800
  LI d=U8 imm=1
  QUANT dst=U0 a=U1 bank=U2 n=U3 bits=mxint4 block=0
  QUANT dst=U4 a=U5 bank=U8 n=U3 bits=mxint4 block=1
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=4
  LOAD addr=0x400 dst=0 count=64
  VEC wait=m u0=0x20 u1=0 u2=0 u3=19 u4=7 u5=35
  VEC u0=0x40 u1=64 u2=3 u3=5 u4=0 u5=0
  HALT

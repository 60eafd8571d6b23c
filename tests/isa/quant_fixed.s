; QUANT with fixed: integers, ties to even, saturation; scale 127 + F; NaN empties the block.
.set sim
.memory 4096
.float 0x400 2.5 -3.5 1e9 0.4 -0.5 0.5 1.5 6.5 7.5 -7.5 -1e30 8 16777216 1e-40 0 -8
.float 0x440 126.5 -127.5 -128.5
.float 0x480 126.5 -127.5 nan
.ucode 0x800
  LI d=U8 imm=3
  LI d=U9 imm=1
  QUANT dst=U0 a=U1 bank=U2 n=U3 fixed=1 bits=mxint4 block=0
  QUANT dst=U4 a=U5 bank=U2 n=U8 fixed=1 bits=mxint8 block=0
  QUANT dst=U4 a=U5 bank=U9 n=U8 fixed=1 bits=mxint6 block=1
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=6
  LOAD addr=0x400 dst=0 count=64
  VEC wait=m u0=0x20 u1=0 u2=0 u3=16 u4=0x40 u5=16
  VEC u0=0x60 u1=16 u2=0 u3=0 u4=0x80 u5=32
  HALT

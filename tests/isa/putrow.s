; PUTROW of 8 bits into row 17 mod 16, and of 4 bits; other bytes stay.
.set sim
.memory 4096
.float 0x400 1 -1 0.5 0 0.0156250 0 0 0 0 0 0 0 0 0 0 0
.word 0x500 -1 -1 -1 -1 -1 -1 -1 -1
.ucode 0x800
  LI d=U8 imm=16
  QUANT dst=U0 a=U1 bank=U2 n=U8 bits=mxint8 block=0
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=3
  LOAD addr=0x400 dst=0 count=16
  VEC wait=m entry=0 u0=32 u2=1
  PUTROW wait=v addr=0x500 r=A1 bits=mxint8 block=0 bank=1 x=32 blocks=1
  PUTROW addr=0x6f0 a=A2 r=A1 bits=mxint4 block=0 bank=1 x=32 blocks=1
  HALT

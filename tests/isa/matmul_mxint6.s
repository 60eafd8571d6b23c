; MATMUL with 6-bit codes, which straddle bytes and words.
.set tiny
.memory 4096
.float 0x400 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
.word 0x500 0x20 0 0x7c000000                             ; row 0: -32, zeros, 31
.word 0x50c 0x41041041 0x10410410 0x04104104              ; row 1: all 1
.ucode 0x800
  LI d=U8 imm=16
  QUANT dst=U0 a=U1 bank=U2 n=U8 bits=mxint8 block=0
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=3
  LOAD addr=0x400 dst=0 count=16
  VEC wait=m entry=0
  STREAM addr=0x500 segments=1 units=1 unit16=12
  MATMUL wait=v bits=mxint6 frac=6 groups=1 blocks=1 dst=0x100
  HALT

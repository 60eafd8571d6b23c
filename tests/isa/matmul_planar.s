; MATMUL with planar codes: rows 2i and 2i+1 in the nibbles; a unit in two segments.
.set tiny
.memory 4096
.float 0x400 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
.word 0x500 0x21212121 0x21212121 0x21212121 0x21212121   ; rows 0 (1) and 1 (2)
.word 0x580 0xf7f7f7f7 0xf7f7f7f7 0xf7f7f7f7 0xf7f7f7f7   ; rows 8 (7) and 9 (-1)
.ucode 0x800
  LI d=U8 imm=16
  QUANT dst=U0 a=U1 bank=U2 n=U8 bits=mxint8 block=0
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=3
  LOAD addr=0x400 dst=0 count=16
  VEC wait=m entry=0
  STREAM addr=0x500 segments=2 units=1 unit16=4 stride=128
  MATMUL wait=v bits=mxint4 planar=1 frac=6 groups=1 blocks=1 dst=0x100
  HALT

; MATMUL through the decode table, written in two halves.
.set small
.memory 4096
.float 0x400 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
.word 0x500 0x11111111 0x11111111 0x22222222 0x22222222 0xffffffff 0xffffffff 0 0
.ucode 0x800
  LI d=U8 imm=16
  QUANT dst=U0 a=U1 bank=U2 n=U8 bits=mxint8 block=0
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=3
  LOAD addr=0x400 dst=0 count=16
  VEC wait=m entry=0
  TABLE half=1 entries=0x0100000000000000   ; entry 15: 1
  TABLE half=0 entries=0x0000000000806400   ; entry 1: 100, entry 2: -128
  STREAM addr=0x500 segments=1 units=1 unit16=8
  MATMUL wait=v bits=mxint4 scale=none codebook=1 frac=6 groups=1 blocks=1 dst=0x100
  HALT

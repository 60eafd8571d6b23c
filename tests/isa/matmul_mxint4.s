; MATMUL with MXINT4 weights: scales up and down, NaN, the least exponent.
.set sim
.memory 4096
.float 0x400 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
.word 0x500 0xff7e807f 0 0 0                ; scales 2^0 2^1 2^-1 NaN 2^-127 ...
.word 0x510 0x11111111 0x11111111           ; row 0: 1/4
.word 0x518 0x88888888 0x88888888           ; row 1: -2
.word 0x520 0x07070707 0x07070707           ; row 2: 7/4 and 0
.word 0x528 0x11111111 0x11111111
.word 0x530 4 0                             ; row 4: 1
.word 0x538 0x44 0                          ; row 5: 1, 1
.ucode 0x800
  LI d=U8 imm=16
  QUANT dst=U0 a=U1 bank=U2 n=U8 bits=mxint8 block=0
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=3
  LOAD addr=0x400 dst=0 count=16
  VEC wait=m entry=0
  STREAM addr=0x500 segments=1 units=1 unit16=9
  MATMUL wait=v bits=mxint4 scale=e8m0 frac=8 groups=1 blocks=1 dst=0x100
  HALT

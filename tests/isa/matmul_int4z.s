; MATMUL with FP16 scales and zero points: sign, subnormal, infinity, greatest half.
.set sim
.memory 4096
.float 0x400 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
.word 0x500 0x80013c00 0x7bff7c00 0x0000bc00
.word 0x520 0x070000f8 0x00000003           ; zero points -8 0 0 7 3
.word 0x530 0x77777777 0x77777777           ; row 0: 7 - -8 = 15, times 1
.word 0x538 0xffffffff 0xffffffff           ; row 1: -1, times -2^-24
.word 0x540 0x11111111 0x11111111           ; row 2: times infinity
.word 0x548 0x88888888 0x88888888           ; row 3: -8 - 7, times 65504
.word 0x550 0x33333333 0x33333333           ; row 4: 3 - 3, times -1
.ucode 0x800
  LI d=U8 imm=16
  QUANT dst=U0 a=U1 bank=U2 n=U8 bits=mxint8 block=0
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=3
  LOAD addr=0x400 dst=0 count=16
  VEC wait=m entry=0
  STREAM addr=0x500 segments=1 units=1 unit16=11
  MATMUL wait=v bits=mxint4 scale=f16 zero=1 frac=6 groups=1 blocks=1 dst=0x100
  HALT

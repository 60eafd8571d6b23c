; MATMUL of no groups or no blocks takes nothing and writes nothing.
.set sim
.memory 4096
.float 0x400 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
.float 0x440 3 5
.ucode 0x800
  LI d=U8 imm=16
  QUANT dst=U0 a=U1 bank=U2 n=U8 bits=mxint8 block=0
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=3
  LOAD addr=0x400 dst=0 count=16
  VEC wait=m entry=0
  LOAD addr=0x440 dst=0x100 count=2
  MATMUL wait=vm bits=mxint4 groups=0 blocks=1 dst=0x100
  MATMUL bits=mxint4 groups=1 blocks=0 dst=0x100
  STREAM addr=0x501 segments=0 units=1 unit16=8 ; nor is an empty STREAM looked at
  STREAM addr=0x501 segments=1 units=0 unit16=8
  HALT

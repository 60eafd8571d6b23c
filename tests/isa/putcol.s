; PUTCOL of 4 bits, planar: row 2i in the low nibble of byte A[r] mod 16 of line i.
.set sim
.memory 4096
.float 0x400 1 -1 1.75 -1.75 0 0 0 0 0 0 0 0 0 0 0 0
.word 0x500 -1 -1 -1 -1 -1 -1 -1 -1
.ucode 0x800
  LI d=U8 imm=16
  QUANT dst=U0 a=U1 bank=U2 n=U8 bits=mxint4 block=0
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=3
  LOAD addr=0x400 dst=0 count=16
  VEC wait=m entry=0 u0=32 u2=1
  PUTCOL wait=v addr=0x500 r=A1 bits=mxint4 block=0 bank=1 x=32 count=4
  PUTEXP addr=0x603 a=A1 bank=1 x=32
  HALT

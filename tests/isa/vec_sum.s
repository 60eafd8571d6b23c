; SUM: sixteen partial sums, then halves onto halves.
.set sim
.memory 4096
.float 0x400 16777216 1 0 1 0 0 0 0 0 0 0 0 0 0 0 0  -16777216
.float 0x480 16777216 0 0 0 1 0 0 0 1 0 0 0 0 0 0 0  1
.ucode 0x800
  MOV dst=U1 a=U0 n=U3 red=sum
  MUL dst=U2 a=U0 b=U0 n=U3 red=sum
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=3
  LOAD addr=0x400 dst=0 count=64
  VEC wait=m u0=0 u1=101 u2=102 u3=16
  VEC u0=0 u1=103 u2=104 u3=17
  VEC u0=32 u1=105 u2=106 u3=17
  VEC u0=32 u1=107 u2=108 u3=0
  HALT

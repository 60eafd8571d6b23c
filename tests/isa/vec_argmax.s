; ARGMAX: first of equals, NaN below everything, nothing at all; U3 elements from U0 to word U1.
.set sim
.memory 4096
.float 0x400 1 3 3 2
.float 0x410 nan 5 5 nan
.float 0x420 nan nan nan nan
.float 0x430 -0 0 -1 -2
.float 0x440 nan -inf nan -inf
.float 0x450 -inf -inf -inf 7
.ucode 0x800
  MOV dst=U1 a=U0 n=U3 red=argmax
  END
.program token 0
  IDENT build_id=device
  UCODE addr=0x800 count=2
  LOAD addr=0x400 dst=0 count=64
  VEC wait=m u0=0 u1=100 u3=4
  VEC u0=4 u1=101 u3=4
  VEC u0=8 u1=102 u3=4
  VEC u0=12 u1=103 u3=4
  VEC u0=16 u1=104 u3=4
  VEC u0=20 u1=105 u3=4
  VEC u0=20 u1=106 u3=0
  VEC u0=20 u1=107 u3=3
  HALT

; LOAD: the four formats, subnormals, infinities and NaN; VMEM wraps.
.set sim
.memory 4096
.word 0x100 0x00000001 0x7fffffff 0x80000000
.word 0x200 0x3f80ff80 0x7f810001 0x0000bf00
.word 0x300 0xff00fe01 0x0000007f
.word 0x400 0x80013c00 0xfc0003ff 0x00007c01
.program token 0
  IDENT build_id=device
  LOAD addr=0x100 dst=0xfffe count=3 format=f32
  LOAD addr=0x200 dst=16 count=5 format=bf16
  LOAD addr=0x300 dst=32 count=5 format=e8m0
  LOAD addr=0x400 dst=48 count=5 format=f16
  LOAD addr=0x401 dst=16 count=0 ; nothing, so no alignment either
  HALT

; A bit in no field.
.set sim
.memory 4096
.program token 0x40
  IDENT build_id=device
  FENCE wait=dvm
  .raw 0x102 0 0 0
  HALT

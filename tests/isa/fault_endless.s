; A program without end.
.set sim
.memory 4096
.program token 0x40
  IDENT build_id=device
again:
  LOOP d=A5 target=again

; LOOP: a nest; a register of 1 falls through; one of 0 goes round.
.set tiny
.memory 4096
.program token 0
  IDENT build_id=device
  ARG d=A5 a=A0 add=3 mask=-1 mul=1
outer:
  ARG d=A6 a=A0 add=5 mask=-1 mul=1
inner:
  ARG d=A7 a=A7 add=1 mask=-1 mul=1
  LOOP d=A6 target=inner
  LOOP d=A5 target=outer
  ARG d=A8 a=A0 add=1 mask=-1 mul=1
  LOOP d=A8 target=inner
  LOOP d=A9 target=end
  ARG d=A7 a=A0
end:
  HALT

#!/bin/bash
# model.sh NAME: the file of a model named in configs.txt.
case $1 in
  kjv) echo tests/models/kjv.gguf ;;
  channels | tokens) echo "build/accuracy/models/$1.gguf" ;;
  *) echo "configs.txt: no model '$1'; there are kjv, channels and tokens" >&2; exit 1 ;;
esac

#!/bin/bash
# Bitstream of the UPduino 3 (boards/ice40/bitstream.sh).
exec boards/ice40/bitstream.sh upduino 51 1 mx_up5k_2

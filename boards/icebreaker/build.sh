#!/bin/bash
# Bitstream of the iCEBreaker (boards/ice40/bitstream.sh).
exec boards/ice40/bitstream.sh icebreaker 53 1 mx_up5k

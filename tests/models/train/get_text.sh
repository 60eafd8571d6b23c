#!/bin/sh
# Extract the training text and the held-out text from the Debian packages
# bible-kjv (the reader) and bible-kjv-text (the data, /usr/lib/bible.data).
#
# usage: get_text.sh TRAIN_OUT HELDOUT_OUT
#
# TRAIN_OUT    one chapter per line, verses joined by a space, no verse numbers
# HELDOUT_OUT  one document per line, each followed by a line "<|end|>"
#
# Every 40th chapter (the 20th, 60th, ... of 1189) is held out. A held-out
# document is the chapter up to its last verse boundary within 3400 bytes; the
# rest of that chapter is dropped, so that no part of it is ever trained on.
set -eu
LC_ALL=C
export LC_ALL

if [ $# -ne 2 ]; then
    echo "usage: $0 TRAIN_OUT HELDOUT_OUT" >&2
    exit 2
fi
if ! command -v bible >/dev/null 2>&1; then
    echo "$0: no 'bible' program: apt-get install bible-kjv bible-kjv-text" >&2
    exit 1
fi

# With -f the reader prints one verse per line: "1Sa2:3 Talk no more so ...".
bible -f gen1:1-rev22:21 </dev/null | awk -v train="$1.tmp" -v held="$2.tmp" '
function flush_chapter() {
    if (chapter == "") return
    count++
    if (count % 40 == 20) printf "%s\n<|end|>\n", cut > held
    else print text > train
}
{
    split($1, reference, ":")
    verse = substr($0, length($1) + 2)
    gsub(/[ \t]+/, " ", verse)
    sub(/ $/, "", verse)
    if (reference[1] != chapter) {
        flush_chapter()
        chapter = reference[1]; text = verse; cut = verse
    } else {
        text = text " " verse
        if (length(text) <= 3400) cut = text
    }
}
END {
    flush_chapter()
    if (count != 1189) { print "expected 1189 chapters, got " count; exit 1 }
}'
mv "$1.tmp" "$1"
mv "$2.tmp" "$2"
wc -c "$1" "$2"

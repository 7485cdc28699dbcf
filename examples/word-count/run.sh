#!/usr/bin/env bash
# Counts the words of every text beside this script into $OUTPUT_DIR/words-$DATA_DATE.csv and summary.txt.
# A scheduled run is given DATA_DATE (the day before it was due) and OUTPUT_DIR; by hand they may be left out.
set -euo pipefail
export LC_ALL=C # the same order of words on every machine
cd "$(dirname "${BASH_SOURCE[0]}")"

day="${DATA_DATE:-$(date -u +%Y-%m-%d)}"
output="${OUTPUT_DIR:-output}"
mkdir -p "$output"
table="$output/words-$day.csv"

# a word: letters, with hyphens and apostrophes inside it
words() {
    cat -- *.txt | tr '[:upper:]' '[:lower:]' | tr -cs "a-z'-" '\n' | awk '/^[a-z]/'
}

{
    echo "word,count"
    words | sort | uniq -c | sort -k1,1nr -k2,2 | awk '{ print $2 "," $1 }'
} >"$table"

awk -F, -v day="$day" '
    NR == 1 { next }
    { total += $2; different++ }
    NR == 2 { word = $1; most = $2 }
    END {
        printf "Date              %s\n", day
        printf "Words             %d\n", total
        printf "Different words   %d\n", different
        printf "Most frequent     %s (%d times)\n", word, most
    }
' "$table" | tee "$output/summary.txt"

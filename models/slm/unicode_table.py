#!/usr/bin/env python3
"""unicode_table.py > unicode_table.c - letters, numbers and white space from Python's unicodedata.

Python 3.11 has Unicode 14; a later one gives a few more ranges."""
import sys
import unicodedata

SPACES = {*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}  # White_Space


def kind(code):
    if code in SPACES:
        return 3
    return {"L": 1, "N": 2}.get(unicodedata.category(chr(code))[0], 0)


def main():
    starts, last = [], None
    for code in range(0x110000):
        k = kind(code)
        if k != last:
            starts.append(code << 2 | k)
            last = k
    print("/* unicode_table.c - made by unicode_table.py from Unicode %s; not edited by hand.\n *" % unicodedata.unidata_version)
    print(" * Where a range of code points of one kind begins: code point * 4 + enum duo_char_kind. */")
    print('#include "models/slm/unicode.h"\n')
    print("const uint32_t duo_unicode_starts[] = {")
    for i in range(0, len(starts), 14):
        print("    " + ", ".join("%#x" % s for s in starts[i:i + 14]) + ",")
    print("};")
    print("const int duo_unicode_ranges = sizeof duo_unicode_starts / sizeof duo_unicode_starts[0];")


if __name__ == "__main__":
    sys.exit(main())

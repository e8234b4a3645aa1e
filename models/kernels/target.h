/* target.h - include with DUO_TARGET defined, before anything else: the rest of the file is compiled for that instruction set,
 * and nothing but its table of functions may be reached from outside. */
#define DUO_TEXT_(x) #x
#define DUO_TEXT(x)  DUO_TEXT_(x)
#if defined(__clang__)
_Pragma(DUO_TEXT(clang attribute push(__attribute__((target(DUO_TARGET))), apply_to = function)))
#else
_Pragma(DUO_TEXT(GCC target(DUO_TARGET)))
#endif

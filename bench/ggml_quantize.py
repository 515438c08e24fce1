#!/usr/bin/env python3
"""ggml's quantizers for quantize.mjs: a line `TYPE SECONDS [w]` in, a line of JSON out.

    python3 ggml_quantize.py LIBS ROWS COLUMNS INPUT

LIBS is a folder with ggml's shared libraries, INPUT a file of ROWS x COLUMNS float32 and COLUMNS importances. A type is
quantized as often as fits into SECONDS of the processor, but once at least; the answer is the seconds of one pass and the
sha256 of the blocks. One thread, as ggml_quantize_chunk has none of its own.
"""
import ctypes as C
import glob
import hashlib
import json
import os
import sys
import time


class InitParams(C.Structure):
    _fields_ = [("mem_size", C.c_size_t), ("mem_buffer", C.c_void_p), ("no_alloc", C.c_bool)]


def load(libs: str) -> C.CDLL:
    base = C.CDLL(glob.glob(os.path.join(libs, "libggml-base*.so*"))[0], mode=C.RTLD_GLOBAL)
    base.ggml_init.argtypes = [InitParams]
    base.ggml_init.restype = C.c_void_p
    base.ggml_init(InitParams(1 << 20, None, True))  # fills the tables of half precision
    base.ggml_row_size.argtypes = [C.c_int, C.c_int64]
    base.ggml_row_size.restype = C.c_size_t
    base.ggml_quantize_chunk.argtypes = [C.c_int, C.c_void_p, C.c_void_p, C.c_int64, C.c_int64, C.c_int64, C.c_void_p]
    base.ggml_quantize_chunk.restype = C.c_size_t
    return base


def main() -> None:
    libs, rows, columns, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    base = load(libs)
    with open(path, "rb") as file:
        data = file.read()
    values = C.create_string_buffer(data, len(data))
    importance = C.addressof(values) + rows * columns * 4
    for line in sys.stdin:
        words = line.split()
        number, limit = int(words[0]), float(words[1])
        out = C.create_string_buffer(rows * base.ggml_row_size(number, columns))
        passes, start = 0, time.process_time()
        while passes == 0 or time.process_time() - start < limit:
            base.ggml_quantize_chunk(number, values, out, 0, rows, columns, importance if "w" in words else None)
            passes += 1
        seconds = (time.process_time() - start) / passes
        print(json.dumps({"seconds": seconds, "sha256": hashlib.sha256(out.raw).hexdigest()}), flush=True)


main()

"""Argon2id of the C libraries, in a fresh process: python3 bench/peers.py LIBRARY MEMORY_KIB PASSES TIMES

Prints {"cold_ms": first call, "warm_ms": [the calls after it]}. The library allocates its own memory in every call.
"""
import ctypes
import json
import sys
import time

PIN, SALT, TAG = b"938174", bytes(range(16)), 32


def libsodium(kib, passes):
    library = ctypes.CDLL("libsodium.so.23")
    if library.sodium_init() < 0:
        raise OSError("sodium_init")
    function = library.crypto_pwhash
    function.argtypes = [ctypes.c_char_p, ctypes.c_ulonglong, ctypes.c_char_p, ctypes.c_ulonglong, ctypes.c_char_p,
                         ctypes.c_ulonglong, ctypes.c_size_t, ctypes.c_int]
    argon2id13 = 2
    return lambda out: function(out, TAG, PIN, len(PIN), SALT, passes, kib * 1024, argon2id13)


def libargon2(kib, passes):
    function = ctypes.CDLL("libargon2.so.1").argon2id_hash_raw
    function.argtypes = [ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t,
                         ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    return lambda out: function(passes, kib, 1, PIN, len(PIN), SALT, len(SALT), out, TAG)


def main():
    name, kib, passes, times = sys.argv[1], *map(int, sys.argv[2:5])
    derive = {"libsodium": libsodium, "libargon2": libargon2}[name](kib, passes)
    out, took = ctypes.create_string_buffer(TAG), []
    for _ in range(times + 1):
        started = time.perf_counter_ns()
        if derive(out) != 0:
            raise OSError(name)
        took.append((time.perf_counter_ns() - started) / 1e6)
    print(json.dumps({"cold_ms": took[0], "warm_ms": took[1:]}))


main()

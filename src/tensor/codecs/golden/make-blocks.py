# Writes blocks.json: for each block type two blocks of random bytes and the values they stand for,
# decoded here bit by bit from the published layouts, in exact fractions and rounded once to single
# precision. Shares no code and no structure with the codecs.
# usage: python3 make-blocks.py > blocks.json
import json
import random
import struct
from fractions import Fraction


def half(block, at):
    return Fraction(struct.unpack_from('<e', block, at)[0])


def bits(block, at, count, width):
    """`count` numbers of `width` bits, lowest bits first, in one little-endian integer."""
    whole = int.from_bytes(block[at:at + count * width // 8], 'little')
    return [(whole >> (width * i)) & ((1 << width) - 1) for i in range(count)]


def nibble_halves(block, at, size):
    """ggml's order: all low nibbles of `size` bytes, then all high ones."""
    pairs = bits(block, at, 2 * size, 4)
    return pairs[0::2] + pairs[1::2]


def q4_0(b):
    return [half(b, 0) * (q - 8) for q in nibble_halves(b, 2, 16)]


def q4_1(b):
    return [half(b, 0) * q + half(b, 2) for q in nibble_halves(b, 4, 16)]


def q5_0(b):
    return [half(b, 0) * (q + 16 * h - 16)
            for q, h in zip(nibble_halves(b, 6, 16), bits(b, 2, 32, 1))]


def q5_1(b):
    return [half(b, 0) * (q + 16 * h) + half(b, 2)
            for q, h in zip(nibble_halves(b, 8, 16), bits(b, 4, 32, 1))]


def q8_0(b):
    return [half(b, 0) * q for q in struct.unpack_from('<32b', b, 2)]


def two_bit_planes(b, at):
    """64 bytes: each 32 bytes hold 128 numbers, plane after plane."""
    numbers = []
    for part in (at, at + 32):
        quads = bits(b, part, 128, 2)
        for plane in range(4):
            numbers += quads[plane::4]
    return numbers


def q2_k(b):
    scales = nibble_halves(b, 0, 16)
    d, dmin = half(b, 80), half(b, 82)
    return [d * scales[i // 16] * q - dmin * scales[16 + i // 16]
            for i, q in enumerate(two_bit_planes(b, 16))]


def q3_k(b):
    low = nibble_halves(b, 96, 8)
    quads = bits(b, 104, 16, 2)
    high = quads[0::4] + quads[1::4] + quads[2::4] + quads[3::4]
    scales = [l + 16 * h - 32 for l, h in zip(low, high)]
    masks = bits(b, 0, 256, 1)
    third = [masks[8 * l + plane] for plane in range(8) for l in range(32)]
    return [half(b, 108) * scales[i // 16] * (q - (0 if third[i] else 4))
            for i, q in enumerate(two_bit_planes(b, 32))]


def scales_and_minimums(b, at):
    s = list(b[at:at + 12])
    low6 = [x & 63 for x in s[:8]]
    top2 = [x >> 6 for x in s[:8]]
    scales = low6[:4] + [(s[8 + i] & 15) + 16 * top2[i] for i in range(4)]
    minimums = low6[4:] + [(s[8 + i] >> 4) + 16 * top2[4 + i] for i in range(4)]
    return scales, minimums


def q4_k(b):
    scales, minimums = scales_and_minimums(b, 4)
    numbers = []
    for at in range(16, 144, 32):
        numbers += nibble_halves(b, at, 32)
    return [half(b, 0) * scales[i // 32] * q - half(b, 2) * minimums[i // 32]
            for i, q in enumerate(numbers)]


def q5_k(b):
    scales, minimums = scales_and_minimums(b, 4)
    numbers = []
    for at in range(48, 176, 32):
        numbers += nibble_halves(b, at, 32)
    masks = bits(b, 16, 256, 1)
    fifth = [masks[8 * l + group] for group in range(8) for l in range(32)]
    return [half(b, 0) * scales[i // 32] * (q + 16 * h) - half(b, 2) * minimums[i // 32]
            for i, (q, h) in enumerate(zip(numbers, fifth))]


def q6_k(b):
    low = []
    for at in (0, 64):
        low += nibble_halves(b, at, 64)
    high = two_bit_planes(b, 128)
    scales = struct.unpack_from('<16b', b, 192)
    return [half(b, 208) * scales[i // 16] * (l + 16 * h - 32)
            for i, (l, h) in enumerate(zip(low, high))]


types = [
    ('q4_0', 18, [0], q4_0), ('q4_1', 20, [0, 2], q4_1), ('q5_0', 22, [0], q5_0),
    ('q5_1', 24, [0, 2], q5_1), ('q8_0', 34, [0], q8_0), ('q2_k', 84, [80, 82], q2_k),
    ('q3_k', 110, [108], q3_k), ('q4_k', 144, [0, 2], q4_k), ('q5_k', 176, [0, 2], q5_k),
    ('q6_k', 210, [208], q6_k),
]


def single(value):
    """Fraction to double is exact here (under 53 bits), and struct rounds it once."""
    return struct.unpack('<f', struct.pack('<f', float(value)))[0]


def main():
    source = random.Random(7)
    blocks = {}
    for name, size, halves, decode in types:
        blocks[name] = []
        for _ in range(2):
            block = bytearray(source.randbytes(size))
            for at in halves:
                struct.pack_into('<e', block, at, source.uniform(-0.1, 0.1))
            values = [single(value) for value in decode(bytes(block))]
            packed = struct.pack(f'<{len(values)}f', *values)
            blocks[name].append({'block': block.hex(), 'values': packed.hex()})
    print(json.dumps(blocks, indent=1))


main()

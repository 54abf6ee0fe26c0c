"""Golden rotary frequencies, from the published formulas in plain Python.

Follows the papers (RoFormer, Position Interpolation, YaRN) and the parameter names of Hugging Face
configs; shares no code with Corral. Run: python3 test/golden/rope.py > test/golden/rope.json
"""
import json
import math

DIM = 64


def inverse(theta):
    return [1.0 / theta ** (2 * i / DIM) for i in range(DIM // 2)]


def dynamic(theta, factor, original, length):
    length = max(length, original)
    base = theta * ((factor * length / original) - (factor - 1)) ** (DIM / (DIM - 2))
    return inverse(base)


def yarn(theta, factor, original, beta_fast=32, beta_slow=1):
    def correction(rotations):
        return (DIM * math.log(original / (rotations * 2 * math.pi))) / (2 * math.log(theta))

    low, high = max(math.floor(correction(beta_fast)), 0), min(math.ceil(correction(beta_slow)), DIM - 1)
    if low == high:
        high += 0.001
    result = []
    for i, extrapolated in enumerate(inverse(theta)):
        ramp = min(max((i - low) / (high - low), 0), 1)
        extrapolation_share = 1 - ramp
        interpolated = extrapolated / factor
        result.append(interpolated * (1 - extrapolation_share) + extrapolated * extrapolation_share)
    return result


def llama3(theta, factor, low_freq_factor, high_freq_factor, original):
    result = []
    for frequency in inverse(theta):
        wavelength = 2 * math.pi / frequency
        if wavelength < original / high_freq_factor:
            result.append(frequency)
        elif wavelength > original / low_freq_factor:
            result.append(frequency / factor)
        else:
            smooth = (original / wavelength - low_freq_factor) / (high_freq_factor - low_freq_factor)
            result.append((1 - smooth) * frequency / factor + smooth * frequency)
    return result


print(json.dumps({
    "none": inverse(10000.0),
    "linear": [f / 4 for f in inverse(10000.0)],
    "ntk": inverse(10000.0 * 4 ** (DIM / (DIM - 2))),
    "dynamicShort": dynamic(10000.0, 2.0, 2048, 1000),
    "dynamicLong": dynamic(10000.0, 2.0, 2048, 6000),
    "yarn": yarn(10000.0, 16.0, 4096),
    "yarnScale": 0.1 * math.log(16.0) + 1,
    "llama3": llama3(500000.0, 8.0, 1.0, 4.0, 8192),
}, indent=1))

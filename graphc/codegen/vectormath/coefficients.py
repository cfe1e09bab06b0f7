"""Coefficients of the polynomials, lowest power first.

Each is the minimax approximation found in 200-bit arithmetic (Remez' exchange, weighted so that the error is relative
to the function itself) and then rounded to its format; for float, one coefficient after another, each time refitting
the others. The comments say what is approximated, where, and the largest relative error that the rounded ones leave.
"""

from __future__ import annotations


def _reals(*digits: str) -> tuple[float, ...]:
    return tuple(float.fromhex(number) for number in digits)


# (e^r - 1 - r) / r^2 for |r| <= ln(2)/2, in r; error relative to e^r - 1: 2^-54.95
EXP_F64 = _reals(
    "0x1.0000000000005p-1",
    "0x1.5555555555539p-3",
    "0x1.55555555521f3p-5",
    "0x1.1111111119193p-7",
    "0x1.6c16c17f123e2p-10",
    "0x1.a01a01749b37ep-13",
    "0x1.a019a6c07b511p-16",
    "0x1.71de8890670fep-19",
    "0x1.28a296ec7f4cep-22",
    "0x1.ae6bca4e8f830p-26",
)

# the same for float: 2^-25.95
EXP_F32 = _reals(
    "0x1.000000p-1",
    "0x1.55549ep-3",
    "0x1.555442p-5",
    "0x1.123628p-7",
    "0x1.6e6282p-10",
)

# (log((1+s)/(1-s)) - 2s) / s^3 for |s| <= (sqrt(2)-1)/(sqrt(2)+1), in s^2: 2^-59.47
LOG_F64 = _reals(
    "0x1.5555555555593p-1",
    "0x1.999999997f9fbp-2",
    "0x1.2492494229feep-2",
    "0x1.c71c51d82b20bp-3",
    "0x1.74664992bd4f7p-3",
    "0x1.39a099c346c76p-3",
    "0x1.2f11442133788p-3",
)

# (log(1+f) - f + f^2/2) / f^3 for sqrt(1/2) <= 1+f <= sqrt(2), in f: 2^-27.34
LOG_F32 = _reals(
    "0x1.555554p-2",
    "-0x1.00022ap-2",
    "0x1.99a03cp-3",
    "-0x1.54718ap-3",
    "0x1.22d4aep-3",
    "-0x1.0d8728p-3",
    "0x1.058504p-3",
    "-0x1.391636p-4",
)

# (atanh(s)/s - 1 - s^2/3) / s^4 for |s| <= (sqrt(2)-1)/(sqrt(2)+1), in s^2: 2^-65.56
ATANH_F64 = _reals(
    "0x1.9999999999b33p-3",
    "0x1.249249245781cp-3",
    "0x1.c71c722de1773p-4",
    "0x1.745ce9b75cd36p-4",
    "0x1.3b1ef448fb2dap-4",
    "0x1.0f7f2292e40e9p-4",
    "0x1.0e4a21546ac57p-4",
)

# (sin(x) - x) / x^3 for |x| <= pi/4, in x^2: 2^-57.88
SIN_F64 = _reals(
    "-0x1.5555555555548p-3",
    "0x1.111111110f730p-7",
    "-0x1.a01a019be91e4p-13",
    "0x1.71de3555255a7p-19",
    "-0x1.ae5e4b7cc2223p-26",
    "0x1.5d8b52d0dbdb7p-33",
)

# (cos(x) - 1 + x^2/2) / x^4 for |x| <= pi/4, in x^2: 2^-63.90
COS_F64 = _reals(
    "0x1.555555555554bp-5",
    "-0x1.6c16c16c15005p-10",
    "0x1.a01a019c8c7f0p-16",
    "-0x1.27e4f7ef0fe32p-22",
    "0x1.1ee9d9c92cf6cp-29",
    "-0x1.8fa55557f8166p-37",
)

# the same two with the accuracy of a float, evaluated in double: 2^-27.96, 2^-32.99
SIN_F32 = _reals(
    "-0x1.5555450bdd4cdp-3",
    "0x1.1107303639cc1p-7",
    "-0x1.99402684c05afp-13",
)
COS_F32 = _reals(
    "0x1.55554a01e7f0fp-5",
    "-0x1.6c0c29c8ae786p-10",
    "0x1.99e8ae8a2dd7dp-16",
)

# (atan(x) - x) / x^3 for |x| <= tan(pi/8), in x^2: 2^-59.40
ATAN_F64 = _reals(
    "-0x1.555555555553dp-2",
    "0x1.9999999995889p-3",
    "-0x1.24924922ae576p-3",
    "0x1.c71c70e66feedp-4",
    "-0x1.745cf8e62c8e7p-4",
    "0x1.3b1119adce0cbp-4",
    "-0x1.10ebbd4f4c366p-4",
    "0x1.df0f7e6ffb7d8p-5",
    "-0x1.9cd33e7788c15p-5",
    "0x1.37d5ec644ea04p-5",
    "-0x1.2568ca1bf9110p-6",
)

# (asin(x) - x) / x^3 for |x| <= 1/2, in x^2: 2^-55.83
ASIN_F64 = _reals(
    "0x1.5555555555382p-3",
    "0x1.333333337020ep-4",
    "0x1.6db6db416e612p-5",
    "0x1.f1c72c8ef1e3dp-6",
    "0x1.6e89ec3e9e1d9p-6",
    "0x1.1c6c5998a91dcp-6",
    "0x1.c6f49044603efp-7",
    "0x1.8efeefb86e5d9p-7",
    "0x1.a9cc36c28ef32p-8",
    "0x1.4152ea469191bp-6",
    "-0x1.0bf593540186dp-6",
    "0x1.0627af12cfa0bp-5",
)

# erf(x)/x - 1 for |x| <= 1, in x^2: 2^-55.38
ERF_F64 = _reals(
    "0x1.06eba8214db68p-3",
    "-0x1.812746b0379bdp-2",
    "0x1.ce2f21a040d16p-4",
    "-0x1.b82ce311fa923p-6",
    "0x1.565bccf92af27p-8",
    "-0x1.c02db03dcd6a7p-11",
    "0x1.f9a2baa80f151p-14",
    "-0x1.f4ca4d608c619p-17",
    "0x1.b97fd346a257fp-20",
    "-0x1.5c0723657b365p-23",
    "0x1.d71af685d1e8bp-27",
    "-0x1.abadffc18e902p-31",
)

# (1 + 2x) e^(x^2) erfc(x) for 0.74 <= x <= 27.4, in (x-3)/(x+3): 2^-55.22; what rounding the first lost is the next
ERFC_F64 = _reals(
    "0x1.40c522d7e4987p+0",
    "-0x1.15c084bb9e900p-3",
    "-0x1.85a15c58aa5d3p-5",
    "0x1.098366a5b4e4ap-3",
    "-0x1.e88b803a496ddp-4",
    "0x1.17ca2877c714fp-4",
    "-0x1.8574c40b7c2d5p-6",
    "0x1.4b884eae92ba8p-9",
    "0x1.ef1bdcb15f741p-10",
    "-0x1.98db63620ded4p-11",
    "-0x1.b911ef8c86e41p-14",
    "0x1.065c0f5fb193ep-13",
    "0x1.4be3649a8a30dp-18",
    "-0x1.51743358d3fc7p-16",
    "-0x1.7ee2b7dcd40f6p-21",
    "0x1.d5f9adc146ddfp-19",
    "0x1.49b195c96f80bp-22",
    "-0x1.5bcfdf7b7db84p-21",
    "-0x1.1e623abddb3f8p-24",
    "0x1.c8fd3ebcf1a22p-24",
    "-0x1.62205328a1523p-27",
)
ERFC_F64_LOST = float.fromhex("0x1.99f2b9ec3d4c8p-55")

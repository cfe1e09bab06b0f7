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

# the same with the accuracy of a float, evaluated in double: 2^-34.17
EXP_AS_FLOAT = _reals(
    "0x1.0000003a22898p-1",
    "0x1.555554439e94cp-3",
    "0x1.55548dc889cd4p-5",
    "0x1.11126ffb1297fp-7",
    "0x1.6d8d028bbcbefp-10",
    "0x1.9f09c9736d455p-13",
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

# the same for powers of floats, evaluated in double: 2^-37.61
LOG_AS_FLOAT = _reals(
    "0x1.555554fde56afp-1",
    "0x1.999a7a16f126fp-2",
    "0x1.2438f20af505cp-2",
    "0x1.e2f2bdbea7f01p-3",
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
SIN_AS_FLOAT = _reals(
    "-0x1.5555450bdd4cdp-3",
    "0x1.1107303639cc1p-7",
    "-0x1.99402684c05afp-13",
)
COS_AS_FLOAT = _reals(
    "0x1.55554a01e7f0fp-5",
    "-0x1.6c0c29c8ae786p-10",
    "0x1.99e8ae8a2dd7dp-16",
)

# (atan(x) - x) / x^3 for |x| <= 1/2, in x^2: 2^-57.72
ATAN_F64 = _reals(
    "-0x1.5555555555516p-2",
    "0x1.999999999114dp-3",
    "-0x1.249249215e142p-3",
    "0x1.c71c7090f6bfep-4",
    "-0x1.745cf4cc68734p-4",
    "0x1.3b113dd1f11bdp-4",
    "-0x1.10f31fb8ac0c8p-4",
    "0x1.dfe97f5673acfp-5",
    "-0x1.a39884277c530p-5",
    "0x1.56f61232b5e6ep-5",
    "-0x1.c180ae31806fcp-6",
    "0x1.4b852365aa944p-7",
)

# the same with the accuracy of a float, evaluated in double: 2^-31.88
ATAN_AS_FLOAT = _reals(
    "-0x1.55555108586fbp-2",
    "0x1.9996ecde202d7p-3",
    "-0x1.244acba5f1717p-3",
    "0x1.c02486896891cp-4",
    "-0x1.470705786383fp-4",
    "0x1.3d38b2f4c600dp-5",
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

# the same with the accuracy of a float, evaluated in double: 2^-31.76
ASIN_AS_FLOAT = _reals(
    "0x1.55554c6006eacp-3",
    "0x1.33387c85c173dp-4",
    "0x1.6caed3c65de1cp-5",
    "0x1.04919e25ed81fp-5",
    "0x1.d91f588ca61adp-7",
    "0x1.3355fb5bb3f27p-5",
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

# the same with the accuracy of a float, evaluated in double: 2^-34.81
ERF_AS_FLOAT = _reals(
    "0x1.06eba82001ac8p-3",
    "-0x1.8127465f8cf69p-2",
    "0x1.ce2f07913c9c1p-4",
    "-0x1.b829a71abae32p-6",
    "0x1.5628e8ba272e1p-8",
    "-0x1.bcbe650965c1bp-11",
    "0x1.d82579f103032p-14",
    "-0x1.4381ba26fe611p-17",
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

# the same with the accuracy of a float, evaluated in double, for 0.74 <= x <= 10.3: 2^-30.09
ERFC_AS_FLOAT = _reals(
    "0x1.40c522d4d4398p+0",
    "-0x1.15c082c2ad7ecp-3",
    "-0x1.85a12268a5a79p-5",
    "0x1.09830221abb95p-3",
    "-0x1.e88e4430c3afdp-4",
    "0x1.17d53a9e6b655p-4",
    "-0x1.85150c537b608p-6",
    "0x1.43ba87287be3ap-9",
    "0x1.d9add2281967ep-10",
    "-0x1.4de35860efdf6p-11",
)

# log(gamma(2 + z)) / z for |z| <= 1/2: 2^-55.43; what rounding the first lost is the next
LOGGAMMA_F64 = _reals(
    "0x1.b0ee6072093cep-2",
    "0x1.4a34cc4a60fa8p-2",
    "-0x1.13e001a55755fp-4",
    "0x1.51322ac7d6f7ep-6",
    "-0x1.e404fc21d60a9p-8",
    "0x1.7add6eb024004p-9",
    "-0x1.38ac5bfe5c7f3p-10",
    "0x1.0b36ae80fb38ep-11",
    "-0x1.d3fd69d84bab5p-13",
    "0x1.a12827bfa1abfp-14",
    "-0x1.78d910e8b8614p-15",
    "0x1.57fe06f2e4277p-16",
    "-0x1.3d4b18362a339p-17",
    "0x1.26d87d74f9256p-18",
    "-0x1.090e88fe31300p-19",
    "0x1.e31b184d917f1p-21",
    "-0x1.37b6c90d9522bp-21",
    "0x1.3fb44c2ea8209p-22",
)
LOGGAMMA_F64_LOST = float.fromhex("0x1.a1c04418d0dc5p-60")

# x (log(gamma(x)) - (x - 1/2) log x + x - log(2 pi)/2) for x >= 5/2, in 1/x^2: 2^-52.02
STIRLING_F64 = _reals(
    "0x1.5555555555555p-4",
    "-0x1.6c16c16c080afp-9",
    "0x1.a01a0148be520p-11",
    "-0x1.38134deaf4551p-11",
    "0x1.b94206b618812p-11",
    "-0x1.f52d66dd0b606p-10",
    "0x1.982db368bc3f0p-8",
    "-0x1.a07ae5e6ccb69p-6",
    "0x1.be35163e25a07p-4",
    "-0x1.a46ac62c9f987p-2",
    "0x1.2a7c636a49248p+0",
    "-0x1.0e82b11403a9dp+1",
    "0x1.cac53c1fa2c75p+0",
)

# digamma(3/2 + z) / (3/2 + z - r) for |z| <= 1/2, r its root: 2^-55.43; what rounding the first lost is the next
DIGAMMA_F64 = _reals(
    "0x1.e6f0cbb873617p-1",
    "-0x1.b1cb63005ee98p-2",
    "0x1.eca189b8e6d98p-3",
    "-0x1.2feeeb98a7a38p-3",
    "0x1.8512e5905db98p-4",
    "-0x1.fb44202a06d32p-5",
    "0x1.4de9aa05925b3p-5",
    "-0x1.b9f8b124b8e15p-6",
    "0x1.256475f2e7afcp-6",
    "-0x1.86356277caa83p-7",
    "0x1.03c0067553d34p-7",
    "-0x1.5a06ccc4622d2p-8",
    "0x1.cd3e7b473d83bp-9",
    "-0x1.336b3f5dd9f95p-9",
    "0x1.980d4cef027d5p-10",
    "-0x1.0fcd6c72cf51bp-10",
    "0x1.7b4c3574f6860p-11",
    "-0x1.fc4582459d586p-12",
    "0x1.dc0aff2e9d6e1p-13",
    "-0x1.343fb0c69a8e1p-13",
    "0x1.107fda0c6a8aap-12",
    "-0x1.724570309af6dp-13",
)
DIGAMMA_F64_LOST = float.fromhex("-0x1.f470beae9262cp-55")

# x^2 (log x - 1/(2x) - digamma(x)) for x >= 3, in 1/x^2: 2^-50.30
DIGAMMA_FAR_F64 = _reals(
    "0x1.5555555555551p-4",
    "-0x1.11111110fc1c0p-7",
    "0x1.041040b8b1406p-8",
    "-0x1.1110dba0a1e73p-8",
    "0x1.f0684cdf2dfa5p-8",
    "-0x1.587a271c786c0p-6",
    "0x1.4af26c20385a6p-4",
    "-0x1.81f81a5525e20p-2",
    "0x1.c62559ebb4ad7p+0",
    "-0x1.b93783d10ed27p+2",
    "0x1.1f8361e968e8ap+4",
    "-0x1.673988896af20p+4",
)

# sin(pi r) / r for |r| <= 1/2, in r^2: 2^-55.88; what rounding the first lost is the next
SINE_OF_TURNS_F64 = _reals(
    "0x1.921fb54442d18p+1",
    "-0x1.4abbce625be52p+2",
    "0x1.466bc6775aa6ep+1",
    "-0x1.32d2cce62757fp-1",
    "0x1.507834851a88ap-4",
    "-0x1.e3074dddbd0eep-8",
    "0x1.e8f35ec1e22ffp-12",
    "-0x1.6f797b47f54e1p-16",
    "0x1.9d1be7df63883p-21",
)
SINE_OF_TURNS_F64_LOST = float.fromhex("0x1.188b36562d138p-53")

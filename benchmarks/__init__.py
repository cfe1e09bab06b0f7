"""graphc beside its peers: one process, one thread, alternating runs, every result verified against float64.

Importing this package pins every library to one thread; it must therefore come before NumPy, JAX, Numba or PyTorch.
"""

import os
import sys

_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "NPROC": "1",  # the size of XLA's thread pools, which its flags alone do not bound
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
}

if "numpy" in sys.modules:
    raise ImportError("import benchmarks before numpy: the number of threads is fixed when BLAS is loaded")
os.environ.update(_ONE_THREAD)

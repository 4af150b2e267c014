"""The engine of Strata: everything between a source system and its consumers.

Only ``orchestration.definitions`` imports Dagster, so that loading, gates and
publication can be tested, profiled and reused without an orchestrator.
"""

import os

# Arrow reads this as it is imported. Its usual allocator takes pages of 2 MB, which the kernel clears first: measured
# for a delta of 20,000 rows, 20 of 265 CPU ms (nearly all in reading the source's Parquet file) and 24 of 297 MB.
# A value that is set already stays.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
# NumPy brings a library of linear algebra, which nobody here needs, and whose threads spin as they begin: measured on
# two cores, 200 CPU ms for importing NumPy, 110 without them. With more cores there are more.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

//! Benchmarks against peers; the rivals are dependencies of this package alone.

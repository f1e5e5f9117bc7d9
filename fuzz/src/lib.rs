//! Generators, oracles and fuzz targets of grammarc.

//! The numbers that the functions of the driver return.

use std::ffi::CStr;

pub(crate) const SUCCESS: u32 = 0;
/// `CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND`: the driver is too old to have the function.
pub(crate) const FUNCTION_MISSING: u32 = 302;
/// `CUDA_ERROR_SHARED_OBJECT_INIT_FAILED`: there is no driver.
pub(crate) const LIBRARY_MISSING: u32 = 303;
/// `CUDA_ERROR_UNKNOWN`.
const UNKNOWN: u32 = 999;

/// The statuses that `cust_raw` 0.11.3 knows, as ranges.
const KNOWN: &[(u32, u32)] = &[
    (0, 8),
    (34, 34),
    (100, 102),
    (200, 202),
    (205, 224),
    (300, 304),
    (400, 401),
    (500, 500),
    (600, 600),
    (700, 705),
    (708, 720),
    (800, 809),
    (900, 911),
    (UNKNOWN, UNKNOWN),
];

/// The status, or `CUDA_ERROR_UNKNOWN` for one that a newer driver may return: cust's type for it is an enumeration, and
/// a value outside of that would be undefined behaviour.
pub(crate) fn known(status: u32) -> u32 {
    if KNOWN.iter().any(|(first, last)| (*first..=*last).contains(&status)) { status } else { UNKNOWN }
}

/// What a status means where there is no driver to ask.
pub(crate) fn description(status: u32) -> &'static CStr {
    match status {
        SUCCESS => c"no error",
        FUNCTION_MISSING => c"the CUDA driver has no such function; it is too old",
        LIBRARY_MISSING => c"there is no CUDA driver on this machine",
        _ => c"an error that the CUDA driver has no text for",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_newer_drivers_are_unknown() {
        // CUDA_ERROR_DEVICE_UNAVAILABLE and CUDA_ERROR_UNSUPPORTED_PTX_VERSION's neighbours.
        for status in [9, 46, 103, 203, 225, 402, 721, 912, 1000, u32::MAX] {
            assert_eq!(known(status), UNKNOWN);
        }
        for status in [0, 2, 100, 222, 303, 700, 999] {
            assert_eq!(known(status), status);
        }
    }
}

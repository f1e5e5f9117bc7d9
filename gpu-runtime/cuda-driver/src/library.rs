//! The driver's library, found when the first of its functions is called.

use std::error::Error;
use std::sync::OnceLock;

use libloading::Library;

use crate::status;

#[cfg(windows)]
const NAME: &str = "nvcuda.dll";
#[cfg(not(windows))]
const NAME: &str = "libcuda.so.1";

fn library() -> Result<&'static Library, &'static str> {
    static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
    let loaded = LIBRARY.get_or_init(|| {
        // SAFETY: loading runs the library's initialisers. This is the CUDA driver that the machine's owner installed,
        // which programs load this way as a matter of course; it is never unloaded.
        unsafe { Library::new(NAME) }.map_err(|error| match error.source() {
            // The system's words, which name the file.
            Some(source) => source.to_string(),
            None => format!("{NAME}: {error}"),
        })
    });
    loaded.as_ref().map_err(String::as_str)
}

/// Loads the driver's library, if it is not loaded yet.
///
/// # Errors
/// The system's words when it cannot be loaded.
pub(crate) fn load() -> Result<(), &'static str> {
    library().map(|_| ())
}

/// The driver's function of this name; `None` if there is no driver, or none so new.
///
/// # Safety
/// `F` must be a function pointer of the function's type.
pub(crate) unsafe fn function<F: Copy>(name: &str) -> Option<F> {
    // SAFETY: the caller promises that the type fits. The copy outlives the symbol, and may: the library stays loaded.
    unsafe { library().ok()?.get::<F>(name) }.ok().map(|symbol| *symbol)
}

/// What a function that is missing returns.
pub(crate) fn missing_status() -> u32 {
    if load().is_ok() { status::FUNCTION_MISSING } else { status::LIBRARY_MISSING }
}

//! The functions of the driver that cust calls, under the driver's own names: each passes its arguments on.
//!
//! cust declares them and expects to be linked with `libcuda`. These definitions answer the linker in its place, so that
//! the program needs no driver to be built or to start. Types are given by how they are passed: every pointer, handle and
//! callback is a [`Pointer`], every enumeration a `u32`, a device pointer a `u64`. Source: the CUDA driver API reference,
//! version 11.4, whose bindings `cust_raw` 0.11.3 has.

#![allow(non_snake_case, reason = "the names are the driver's")]

use std::ffi::{c_char, c_void};
use std::sync::OnceLock;

use crate::library;
use crate::status;

type Pointer = *mut c_void;

/// Defines `name(types…)`, each returning a status.
macro_rules! driver_functions {
    ($($name:ident($($kind:ty),*);)*) => {
        $(driver_functions!(@define $name [$($kind),*] [a b c d e f g h i j k l] []);)*
    };
    // Gives every parameter a name.
    (@define $name:ident [$kind:ty $(, $kinds:ty)*] [$letter:ident $($letters:ident)*] [$($done:tt)*]) => {
        driver_functions!(@define $name [$($kinds),*] [$($letters)*] [$($done)* ($letter: $kind)]);
    };
    (@define $name:ident [] [$($letters:ident)*] [$(($letter:ident: $kind:ty))*]) => {
        /// # Safety
        /// What the driver's function of this name asks for.
        // SAFETY: cust, which declares the function, is the only one in the program to link it by name, with the same
        // types in the same order.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($letter: $kind),*) -> u32 {
            static FUNCTION: OnceLock<Option<unsafe extern "C" fn($($kind),*) -> u32>> = OnceLock::new();
            // SAFETY: the type is that of the driver's function of this name.
            let function = FUNCTION.get_or_init(|| unsafe { library::function(stringify!($name)) });
            match function {
                // SAFETY: the caller promises what the driver's function asks for, and gets just that function.
                Some(function) => status::known(unsafe { function($($letter),*) }),
                None => library::missing_status(),
            }
        }
    };
}

driver_functions! {
    cuArray3DCreate_v2(Pointer, Pointer);
    cuArray3DGetDescriptor_v2(Pointer, Pointer);
    cuArrayDestroy(Pointer);
    cuCtxCreate_v2(Pointer, u32, i32);
    cuCtxDestroy_v2(Pointer);
    cuCtxGetApiVersion(Pointer, Pointer);
    cuCtxGetCacheConfig(Pointer);
    cuCtxGetCurrent(Pointer);
    cuCtxGetDevice(Pointer);
    cuCtxGetFlags(Pointer);
    cuCtxGetLimit(Pointer, u32);
    cuCtxGetSharedMemConfig(Pointer);
    cuCtxGetStreamPriorityRange(Pointer, Pointer);
    cuCtxPopCurrent_v2(Pointer);
    cuCtxPushCurrent_v2(Pointer);
    cuCtxSetCacheConfig(u32);
    cuCtxSetCurrent(Pointer);
    cuCtxSetLimit(u32, usize);
    cuCtxSetSharedMemConfig(u32);
    cuCtxSynchronize();
    cuDestroyExternalMemory(Pointer);
    cuDeviceGet(Pointer, i32);
    cuDeviceGetAttribute(Pointer, u32, i32);
    cuDeviceGetCount(Pointer);
    cuDeviceGetName(Pointer, i32, i32);
    cuDevicePrimaryCtxRelease_v2(i32);
    cuDevicePrimaryCtxReset_v2(i32);
    cuDevicePrimaryCtxRetain(Pointer, i32);
    cuDevicePrimaryCtxSetFlags_v2(i32, u32);
    cuDeviceTotalMem_v2(Pointer, i32);
    cuDriverGetVersion(Pointer);
    cuEventCreate(Pointer, u32);
    cuEventDestroy_v2(Pointer);
    cuEventElapsedTime(Pointer, Pointer, Pointer);
    cuEventQuery(Pointer);
    cuEventRecord(Pointer, Pointer);
    cuEventSynchronize(Pointer);
    cuExternalMemoryGetMappedBuffer(Pointer, Pointer, Pointer);
    cuFuncGetAttribute(Pointer, u32, Pointer);
    cuFuncSetCacheConfig(Pointer, u32);
    cuFuncSetSharedMemConfig(Pointer, u32);
    cuGraphAddKernelNode(Pointer, Pointer, Pointer, usize, Pointer);
    cuGraphCreate(Pointer, u32);
    cuGraphDebugDotPrint(Pointer, Pointer, u32);
    cuGraphDestroy(Pointer);
    cuGraphGetEdges(Pointer, Pointer, Pointer, Pointer);
    cuGraphGetNodes(Pointer, Pointer, Pointer);
    cuGraphKernelNodeGetParams(Pointer, Pointer);
    cuGraphNodeGetType(Pointer, Pointer);
    cuImportExternalMemory(Pointer, Pointer);
    cuInit(u32);
    cuLaunchHostFunc(Pointer, Pointer, Pointer);
    cuLaunchKernel(Pointer, u32, u32, u32, u32, u32, u32, u32, Pointer, Pointer, Pointer);
    cuLinkAddData_v2(Pointer, u32, Pointer, usize, Pointer, u32, Pointer, Pointer);
    cuLinkComplete(Pointer, Pointer, Pointer);
    cuLinkCreate_v2(u32, Pointer, Pointer, Pointer);
    cuLinkDestroy(Pointer);
    cuMemAdvise(u64, usize, u32, i32);
    cuMemAllocAsync(Pointer, usize, Pointer);
    cuMemAllocHost_v2(Pointer, usize);
    cuMemAllocManaged(Pointer, usize, u32);
    cuMemAlloc_v2(Pointer, usize);
    cuMemFreeAsync(u64, Pointer);
    cuMemFreeHost(Pointer);
    cuMemFree_v2(u64);
    cuMemGetInfo_v2(Pointer, Pointer);
    cuMemPrefetchAsync(u64, usize, i32, Pointer);
    cuMemcpy2D_v2(Pointer);
    cuMemcpyAtoH_v2(Pointer, Pointer, usize, usize);
    cuMemcpyDtoDAsync_v2(u64, u64, usize, Pointer);
    cuMemcpyDtoD_v2(u64, u64, usize);
    cuMemcpyDtoHAsync_v2(Pointer, u64, usize, Pointer);
    cuMemcpyDtoH_v2(Pointer, u64, usize);
    cuMemcpyHtoA_v2(Pointer, usize, Pointer, usize);
    cuMemcpyHtoDAsync_v2(u64, Pointer, usize, Pointer);
    cuMemcpyHtoD_v2(u64, Pointer, usize);
    cuMemsetD16Async(u64, u16, usize, Pointer);
    cuMemsetD16_v2(u64, u16, usize);
    cuMemsetD32Async(u64, u32, usize, Pointer);
    cuMemsetD32_v2(u64, u32, usize);
    cuMemsetD8Async(u64, u8, usize, Pointer);
    cuMemsetD8_v2(u64, u8, usize);
    cuModuleGetFunction(Pointer, Pointer, Pointer);
    cuModuleGetGlobal_v2(Pointer, Pointer, Pointer, Pointer);
    cuModuleLoad(Pointer, Pointer);
    cuModuleLoadData(Pointer, Pointer);
    cuModuleLoadDataEx(Pointer, Pointer, u32, Pointer, Pointer);
    cuModuleUnload(Pointer);
    cuOccupancyAvailableDynamicSMemPerBlock(Pointer, Pointer, i32, i32);
    cuOccupancyMaxActiveBlocksPerMultiprocessor(Pointer, Pointer, i32, usize);
    cuOccupancyMaxPotentialBlockSize(Pointer, Pointer, Pointer, Pointer, usize, i32);
    cuStreamCreateWithPriority(Pointer, u32, i32);
    cuStreamDestroy_v2(Pointer);
    cuStreamGetFlags(Pointer, Pointer);
    cuStreamGetPriority(Pointer, Pointer);
    cuStreamSynchronize(Pointer);
    cuStreamWaitEvent(Pointer, Pointer, u32);
    cuSurfObjectCreate(Pointer, Pointer);
    cuSurfObjectDestroy(u64);
    cuSurfObjectGetResourceDesc(Pointer, u64);
    cuTexObjectCreate(Pointer, Pointer, Pointer, Pointer);
    cuTexObjectDestroy(u64);
    cuTexObjectGetResourceDesc(Pointer, u64);
}

type ErrorString = unsafe extern "C" fn(u32, *mut *const c_char) -> u32;

/// Gives the text of a status. Without a driver too, because cust's `Display` panics where this fails.
///
/// # Safety
/// `text` must be valid for a write.
// SAFETY: as for the functions above.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuGetErrorString(code: u32, text: *mut *const c_char) -> u32 {
    static FUNCTION: OnceLock<Option<ErrorString>> = OnceLock::new();
    // SAFETY: the type is that of the driver's function of this name.
    let function = FUNCTION.get_or_init(|| unsafe { library::function("cuGetErrorString") });
    if let Some(function) = function {
        // SAFETY: the caller promises that `text` is valid, which is all that the driver asks for.
        let answered = unsafe { function(code, text) };
        if answered == status::SUCCESS {
            return answered;
        }
    }
    // SAFETY: the caller promises that `text` is valid for a write.
    unsafe { text.write(status::description(code).as_ptr()) };
    status::SUCCESS
}

//! The program links, starts and answers on a machine without a driver, and works on one with.

use cuda_driver::{Gpu, Unavailable};

#[test]
fn a_gpu_opens_or_says_why_not() {
    match Gpu::open() {
        Ok(mut gpu) => {
            assert!(!gpu.description().is_empty());
            let mut buffer = gpu.allocate(10).expect("ten bytes of memory");
            gpu.upload(&mut buffer, 3, &[1, 2, 3]).expect("a copy to the device");
            let mut bytes = [9; 10];
            gpu.download(&buffer, 0, &mut bytes).expect("a copy from the device");
            assert_eq!(bytes, [0, 0, 0, 1, 2, 3, 0, 0, 0, 0]);
            assert!(gpu.upload(&mut buffer, 8, &[0; 3]).is_err());
        }
        Err(reason) => {
            let message = reason.to_string();
            assert!(!message.is_empty());
            if let Unavailable::NoDriver(_) = reason {
                assert!(message.contains("libcuda") || message.contains("nvcuda"), "{message}");
            }
        }
    }
}

/// cust's `Display` asks the driver for the text, and panics if it gives none.
#[test]
fn an_error_of_cust_can_be_shown() {
    let error = cust::error::CudaError::NoDevice;
    assert!(!error.to_string().is_empty());
}

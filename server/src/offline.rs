//! The model without a server: prompts to answers in one call.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::error::ApiError;
use crate::reply::Reply;
use crate::{Endpoint, Service, ServiceError};

/// Generates answers for prompts, in one call and without a server.
///
/// ```
/// use gpu_runtime::{CpuDevice, ModelFiles};
/// use serde_json::json;
/// use server::{Engine, Service, ServiceOptions};
///
/// let service = Service::load(&ModelFiles::embedded_tiny()?, CpuDevice::new(1)?, ServiceOptions::default())?;
/// let engine = Engine::new(service)?;
/// let prompts = ["The capital of France is", "The capital of Germany is"];
/// let parameters = json!({"temperature": 0, "regex": "(France|England)"});
/// let answers = engine.generate(&prompts, &parameters)?;
/// assert!(answers.iter().all(|answer| answer["text"] == "France" || answer["text"] == "England"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    service: Arc<Service>,
    runtime: Runtime,
}

impl Engine {
    /// An engine on a service.
    ///
    /// # Errors
    /// When the system does not give the threads.
    pub fn new(service: Arc<Service>) -> Result<Self, ServiceError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { service, runtime })
    }

    /// Answers each of `prompts`, in their order, as `/generate` does: with `n` of more than 1, that many for each.
    /// `sampling_params` is an object for all, or a list with one for each.
    ///
    /// # Errors
    /// When a parameter or a constraint is at fault.
    pub fn generate(&self, prompts: &[&str], sampling_params: &Value) -> Result<Vec<Value>, ApiError> {
        match self.answer(Endpoint::Generate, &json!({"text": prompts, "sampling_params": sampling_params}))? {
            Value::Array(answers) => Ok(answers),
            answer => Ok(vec![answer]),
        }
    }

    /// Answers the body of a request to an endpoint.
    ///
    /// # Errors
    /// When it is at fault, or asks for a stream.
    pub fn answer(&self, endpoint: Endpoint, body: &Value) -> Result<Value, ApiError> {
        match self.runtime.block_on(self.service.answer(endpoint, body))? {
            Reply::Whole(answer) => {
                serde_json::from_str(&answer.into_text()).map_err(|error| ApiError::Internal(error.to_string()))
            }
            Reply::Stream(_) => Err(ApiError::Invalid("stream cannot be true without a server.".to_owned())),
        }
    }
}

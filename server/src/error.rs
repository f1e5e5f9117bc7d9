//! Why a request has no answer, in the two shapes that clients know.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// How many times the time of each half of a compile a request waits for its grammar: as long as the two halves may take, and
/// as long again as one for others to be compiled before.
pub(crate) const COMPILE_PATIENCE: u32 = 3;

/// No more requests are taken on.
pub(crate) const CLOSED: ApiError = ApiError::Unavailable("it is shutting down");

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The body is not JSON, or a field is of the wrong type.
    #[error("{0}")]
    Malformed(String),
    /// A field has a value that cannot be served, a grammar that does not compile among them.
    #[error("{0}")]
    Invalid(String),
    /// There is no such path.
    #[error("there is no {0}; see docs/server.md for what there is")]
    NotFound(String),
    /// There is such a path, for other methods.
    #[error("{path} does not take {method}; the header Allow lists the methods that it does")]
    MethodNotAllowed {
        /// The path.
        path: String,
        /// The method of the request.
        method: String,
    },
    /// There are too many requests already.
    #[error("the server has {limit} {what}, as many as it takes; try again later")]
    Overloaded {
        /// The greatest number of them.
        limit: usize,
        /// What there are so many of.
        what: &'static str,
    },
    /// There are too many sequences in work already for those that a request asks for.
    #[error("the server takes {limit} sequences in work, and has no room for {count} more now; try again later")]
    NoRoom {
        /// How many the request asks for.
        count: usize,
        /// The greatest number of them.
        limit: usize,
    },
    /// A grammar had to wait too long for others to be compiled.
    #[error(
        "the grammar was not compiled within {seconds} s of the request, {COMPILE_PATIENCE} times --compile-seconds, as \
         others were being compiled; try again later"
    )]
    CompileWait {
        /// The time that it had.
        seconds: f64,
    },
    /// The server is shutting down, or its model has failed.
    #[error("the server takes no more requests: {0}")]
    Unavailable(&'static str),
    /// Something that is not the request's fault.
    #[error("{0}")]
    Internal(String),
}

/// Whose error shape an endpoint has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `/v1/…`: a flat object with `object`, `message`, `type`, `param` and `code`.
    OpenAi,
    /// `/generate`: `{"error": {"message": …}}`.
    Native,
}

impl ApiError {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Overloaded { .. } | Self::NoRoom { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) | Self::CompileWait { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The class of the error, as OpenAI's clients know it.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "Bad Request",
            Self::Invalid(_) => "BadRequestError",
            Self::NotFound(_) => "NotFoundError",
            Self::MethodNotAllowed { .. } => "MethodNotAllowedError",
            Self::Overloaded { .. } | Self::NoRoom { .. } => "RateLimitError",
            Self::Unavailable(_) | Self::CompileWait { .. } => "ServiceUnavailableError",
            Self::Internal(_) => "InternalServerError",
        }
    }

    /// The body of the answer. A malformed body has the same shape everywhere.
    pub fn body(&self, dialect: Dialect) -> Value {
        match (dialect, self) {
            (Dialect::Native, Self::Malformed(_)) | (Dialect::OpenAi, _) => json!({
                "object": "error",
                "message": self.to_string(),
                "type": self.class(),
                "param": null,
                "code": self.status().as_u16(),
            }),
            (Dialect::Native, _) => json!({"error": {"message": self.to_string()}}),
        }
    }
}

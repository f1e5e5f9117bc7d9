//! The server, in a process of its own, so that its memory can be told from the clients'.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gpu_runtime::{CpuDevice, ModelFiles};
use server::{GrammarOptions, Service, ServiceOptions, ToolFormat};
use tokio::net::TcpListener;

use super::args::Args;

/// Serves until standard input ends; prints the address first.
pub(super) fn serve(args: &Args) -> Result<(), String> {
    counting_allocator::give_large_pieces_back();
    let files = match &args.model {
        Some(folder) => ModelFiles::open(folder),
        None => ModelFiles::embedded_tiny(),
    };
    let files = files.map_err(|error| error.to_string())?;
    let device = CpuDevice::new(0).map_err(|error| error.to_string())?;
    let grammars =
        GrammarOptions { cache_bytes: args.grammar_cache_mb.saturating_mul(1_000_000), ..GrammarOptions::default() };
    // A format of which the schema has to say what values are.
    let tool_format = ToolFormat::from_name("qwen3_coder");
    let options = ServiceOptions { grammars, tool_format, ..ServiceOptions::default() };
    let service = Service::load(&files, device, options).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let mut output = io::stdout().lock();
        writeln!(output, "{}", listener.local_addr()?)?;
        output.flush()?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            // The end of input is what is waited for, however it comes.
            let _ = io::stdin().read_to_end(&mut Vec::new());
            let _ = stop.send(());
        });
        server::serve(service, listener, async { stopped.await.unwrap_or(()) }, Duration::from_secs(10)).await
    });
    served.map_err(|error| error.to_string())
}

/// A server that is running.
pub(super) struct Running {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Running {
    /// Starts this program as a server with the same arguments.
    pub(super) fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(std::env::args_os().skip(1)).arg("server");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let no_address = |_| io::Error::other("the server has not started");
        Ok(Self { address: line.trim().parse().map_err(no_address)?, child })
    }

    /// The number of the process.
    pub(super) fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Ends it, and says whether it ended well.
    pub(super) fn stop(mut self) -> io::Result<bool> {
        drop(self.child.stdin.take());
        Ok(self.child.wait()?.success())
    }
}

//! The thread that owns the model: sequences come and go between the steps of the engine.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, TryRecvError};

use gpu_runtime::Device;
use gpu_runtime::engine::{Engine, Event, Request, RequestError, SequenceId};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::places::{Places, Taken};

const STOPPED: ApiError = ApiError::Unavailable("its model has stopped");

/// Which answer of which request.
type Key = (u64, usize);

enum Command {
    Submit { group: u64, requests: Vec<Request>, events: UnboundedSender<(usize, Event)>, reply: Reply },
    Cancel(Key),
}

type Reply = oneshot::Sender<Result<(), RequestError>>;

/// Hands requests to the thread that owns the model.
#[derive(Debug)]
pub(crate) struct Scheduler {
    commands: mpsc::Sender<Command>,
    places: Places,
    next_group: AtomicU64,
    alive: Arc<AtomicBool>,
}

/// The permission to have sequences in work.
#[derive(Debug)]
pub(crate) struct Admission(#[expect(dead_code, reason = "held, not read")] Taken);

/// The answers of one request as they come. Dropping it ends what has not ended.
pub(crate) struct Group {
    id: u64,
    count: usize,
    events: UnboundedReceiver<(usize, Event)>,
    commands: mpsc::Sender<Command>,
    /// `None` when it is kept for longer than the answers come.
    admission: Option<Admission>,
}

impl Scheduler {
    /// Starts the thread. At most `capacity` sequences are in work, waiting ones included.
    pub(crate) fn start<D: Device + 'static>(
        engine: Engine<D>,
        capacity: usize,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let (commands, receiver) = mpsc::channel();
        let alive = Arc::new(AtomicBool::new(true));
        let guard = Alive(alive.clone());
        std::thread::Builder::new().name("grammarc-engine".to_owned()).spawn(move || {
            let _guard = guard;
            Worker { engine, commands: receiver, routes: HashMap::new(), metrics }.run();
        })?;
        Ok(Self { commands, places: Places::new(capacity), next_group: Default::default(), alive })
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    /// Whether there can ever be room for `count` sequences.
    ///
    /// # Errors
    /// When there cannot.
    pub(crate) fn check(&self, count: usize) -> Result<(), ApiError> {
        let most = self.places.capacity();
        if count <= most {
            return Ok(());
        }
        let message = format!("n must be at most {most}, over all prompts of a request; it asks for {count}.");
        Err(ApiError::Invalid(message))
    }

    /// Room for `count` sequences.
    ///
    /// # Errors
    /// When there is none now, or never is that much.
    pub(crate) fn admit(&self, count: usize) -> Result<Admission, ApiError> {
        self.check(count)?;
        self.places.take(count).map(Admission).ok_or(self.no_room(count))
    }

    /// Room for `count` sequences, once there is. Those that ask for fewer meanwhile, and find room, go before.
    ///
    /// # Errors
    /// When there is none until `end`, or never is that much.
    pub(crate) async fn admit_until(&self, count: usize, end: Option<Instant>) -> Result<Admission, ApiError> {
        self.check(count)?;
        self.places.take_until(count, end).await.map(Admission).ok_or(self.no_room(count))
    }

    /// Room for `count` sequences, when it is their turn: those that ask later wait.
    ///
    /// # Errors
    /// When there never is that much.
    pub(crate) async fn admit_in_turn(&self, count: usize) -> Result<Admission, ApiError> {
        self.check(count)?;
        self.places.take_in_turn(count).await.map(Admission).ok_or(STOPPED)
    }

    fn no_room(&self, count: usize) -> ApiError {
        ApiError::NoRoom { count, limit: self.places.capacity() }
    }

    /// Takes on the answers of one request.
    ///
    /// # Errors
    /// When they can never be served.
    pub(crate) async fn submit(&self, requests: Vec<Request>, admission: Admission) -> Result<Group, ApiError> {
        let id = self.next_group.fetch_add(1, Ordering::Relaxed);
        let count = requests.len();
        let (events, receiver) = unbounded_channel();
        let (reply, answer) = oneshot::channel();
        let group = Group { id, count, events: receiver, commands: self.commands.clone(), admission: Some(admission) };
        self.commands.send(Command::Submit { group: id, requests, events, reply }).map_err(|_| STOPPED)?;
        answer.await.map_err(|_| STOPPED)?.map_err(|error| ApiError::Invalid(error.to_string()))?;
        Ok(group)
    }
}

impl Group {
    /// The next event, with the index of its answer; `None` when the model has failed.
    pub(crate) async fn next(&mut self) -> Option<(usize, Event)> {
        self.events.recv().await
    }

    /// The permission, to be kept for longer than the answers come.
    pub(crate) fn take_admission(&mut self) -> Option<Admission> {
        self.admission.take()
    }

    /// Ends one answer without a further event.
    pub(crate) fn cancel(&self, index: usize) {
        // Without the thread there is nothing to end.
        let _ = self.commands.send(Command::Cancel((self.id, index)));
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        (0..self.count).for_each(|index| self.cancel(index));
    }
}

/// Says when the thread is gone, whatever the reason.
struct Alive(Arc<AtomicBool>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

struct Worker<D: Device> {
    engine: Engine<D>,
    commands: mpsc::Receiver<Command>,
    routes: HashMap<SequenceId, (Key, UnboundedSender<(usize, Event)>)>,
    metrics: Arc<Metrics>,
}

impl<D: Device> Worker<D> {
    /// Serves until nobody can send a request any more, or the device fails.
    fn run(mut self) {
        while self.take_commands() {
            let Ok(step) = self.engine.step() else { return };
            let metrics = &self.metrics;
            // Without rows it has only waited for slow constraints.
            metrics.steps.add(u64::from(step.rows > 0));
            metrics.step_time.add(step.timing.total.as_micros() as u64);
            metrics.forward_time.add(step.timing.forward.as_micros() as u64);
            metrics.mask_time.add(step.timing.masks.as_micros() as u64);
            metrics.mask_wait_time.add(step.timing.mask_wait.as_micros() as u64);
            for event in step.events {
                self.deliver(event);
            }
            self.show_load();
        }
    }

    fn show_load(&self) {
        let (running, waiting) = self.engine.load();
        self.metrics.running.set(running as u64);
        self.metrics.waiting.set(waiting as u64);
    }

    /// Takes the commands there are, or waits for one if there is nothing else to do; `false` at the end.
    fn take_commands(&mut self) -> bool {
        loop {
            let command = if self.engine.is_idle() {
                match self.commands.recv() {
                    Ok(command) => command,
                    Err(_) => return false,
                }
            } else {
                match self.commands.try_recv() {
                    Ok(command) => command,
                    Err(TryRecvError::Empty) => return true,
                    Err(TryRecvError::Disconnected) => return false,
                }
            };
            match command {
                Command::Submit { group, requests, events, reply } => {
                    // Whoever has gone cancels next.
                    let _ = reply.send(self.submit(group, requests, &events));
                }
                Command::Cancel(key) => self.cancel(key),
            }
            self.show_load();
        }
    }

    fn submit(
        &mut self,
        group: u64,
        requests: Vec<Request>,
        events: &UnboundedSender<(usize, Event)>,
    ) -> Result<(), RequestError> {
        for (index, request) in requests.into_iter().enumerate() {
            let prompt_tokens = request.prompt.len() as u64;
            match self.engine.submit(request) {
                Ok(id) => {
                    self.metrics.prompt_tokens.add(prompt_tokens);
                    self.routes.insert(id, ((group, index), events.clone()));
                }
                Err(error) => {
                    (0..index).for_each(|index| self.cancel((group, index)));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn cancel(&mut self, key: Key) {
        let found = self.routes.iter().find(|(_, (other, _))| *other == key).map(|(&id, _)| id);
        if let Some(id) = found {
            self.routes.remove(&id);
            self.engine.cancel(id);
            self.metrics.cancelled.add(1);
        }
    }

    fn deliver(&mut self, event: Event) {
        let id = event.sequence;
        self.metrics.generated_tokens.add(event.tokens.len() as u64);
        let Some(((_, index), events)) = self.routes.get(&id) else { return };
        let (index, finished) = (*index, event.finish.is_some());
        let gone = events.send((index, event)).is_err();
        if finished {
            self.routes.remove(&id);
        } else if gone {
            self.routes.remove(&id);
            self.engine.cancel(id);
            self.metrics.cancelled.add(1);
        }
    }
}

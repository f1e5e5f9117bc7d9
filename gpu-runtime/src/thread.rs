//! Threads that others go before, and what threads have computed.

use std::time::Duration;

/// The processor time of the calling thread so far. Unlike the time that has passed it says nothing of other threads,
/// which matters where that decides what a sequence costs.
pub fn processor_time() -> Duration {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
    }
    #[cfg(not(unix))]
    {
        use std::sync::LazyLock;
        use std::time::Instant;

        static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGIN.elapsed()
    }
}

/// How much lower the priority of threads is that others go before, as Unix counts niceness: about a tenth of a core
/// is left to one that competes with another.
const NICENESS: i32 = 10;

/// Has other threads go before the calling one, where the system has priorities of threads.
pub fn run_behind_others() {
    // On Linux this is the niceness of the calling thread alone. A thread that may not is merely less polite.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICENESS);
}

/// Has the calling thread run only on cores that no other thread wants, where the system has such a thing. Threads that
/// wake up then take the core at once, and count it as free when they look for one, which a low niceness does not give
/// them. On a machine whose cores are never free it does not run.
pub fn run_when_idle() {
    // A thread that may not lower its priority is merely less polite.
    #[cfg(target_os = "linux")]
    let _ = linux::set_idle_policy();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;

    /// The calling thread, where a thread is asked for.
    const SELF: libc::pid_t = 0;

    pub(super) fn set_idle_policy() -> io::Result<()> {
        let parameters = libc::sched_param { sched_priority: 0 };
        // SAFETY: the call reads the parameters, which live until it returns, and changes nothing but how the calling
        // thread is scheduled.
        #[allow(unsafe_code, reason = "there is no other way to the scheduler's policies")]
        let result = unsafe { libc::sched_setscheduler(SELF, libc::SCHED_IDLE, &raw const parameters) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    #[cfg(test)]
    mod tests {
        use super::set_idle_policy;

        #[test]
        fn only_the_calling_thread_changes() {
            // The policy is the 41st field of the line, the 38th after the name; SCHED_IDLE is 5.
            let policy = || {
                let line = std::fs::read_to_string("/proc/thread-self/stat").expect("a line about the thread");
                let after = line.rsplit_once(')').expect("the name in brackets").1;
                after.split_whitespace().nth(38).map(str::to_owned)
            };
            let changed = std::thread::spawn(move || {
                set_idle_policy().expect("leave to lower the priority");
                policy()
            });
            assert_eq!(changed.join().expect("no panic").as_deref(), Some("5"));
            assert_eq!(policy().as_deref(), Some("0"));
        }
    }
}

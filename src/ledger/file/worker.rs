//! The thread that keeps a spare ready, so that an append seldom waits for zeros. The log works without it.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::append::FileLog;
use super::disk::Disk;
use super::spare::Spare;

/// How long it waits after a failure, most often a full disk.
const RETRY: Duration = Duration::from_millis(100);

/// The running thread; dropping it ends the thread.
pub struct SpareWorker<D: Disk> {
    spare: Arc<Spare<D>>,
    thread: Option<JoinHandle<()>>,
}

impl<D: Disk> SpareWorker<D> {
    /// Starts the thread for `log`.
    pub fn spawn(log: &FileLog<D>) -> io::Result<Self> {
        let spare = log.spare();
        let worker = spare.clone();
        let thread = std::thread::Builder::new().name("ledger-spare".to_owned()).spawn(move || {
            let mut failed = false;
            while worker.wait_until_due() {
                match worker.prepare_due() {
                    Ok(_) => failed = false,
                    Err(error) => {
                        if !failed {
                            log::warn!("ledger: cannot prepare the next segment: {error}; trying on");
                        }
                        failed = true;
                        worker.wait_for_stop(RETRY);
                    }
                }
            }
        })?;
        Ok(Self { spare, thread: Some(thread) })
    }
}

impl<D: Disk> Drop for SpareWorker<D> {
    fn drop(&mut self) {
        self.spare.stop();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

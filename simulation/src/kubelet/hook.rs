//! Hooks: which a container has, and what a runner records of a run.

use std::ffi::OsString;

use hooked_protocol::{Ending, Exit, Hook, Invocation, MAX_LINE, Outcome, Record, RunId, State};
use jiff::Timestamp;
use serde_json::Value;

use super::step::HookEnd;

/// A hook of a container.
#[derive(Clone, Debug)]
pub(super) struct Handler {
    hook: Hook,
    /// How the handler stands in the kubelet's messages.
    pub(super) command: String,
    pub(super) runner: Option<Runner>,
}

/// What the runner of a hook was told, and what it remembers of earlier runs.
#[derive(Clone, Debug)]
pub(super) struct Runner {
    container: String,
    /// Bytes that one record may take in the log; none where there is no log to write to.
    budget: Option<usize>,
    ignores_failure: bool,
    pub(super) has_timeout: bool,
    state: State,
}

impl Handler {
    /// The container's hook of that kind, if it has one.
    pub(super) fn of(container: &Value, hook: Hook) -> Option<Self> {
        let field = if hook == Hook::PostStart { "postStart" } else { "preStop" };
        let handler = container["lifecycle"].get(field).filter(|handler| handler.is_object())?;
        let words: Vec<_> =
            handler["exec"]["command"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let name = container["name"].as_str().unwrap_or_default();
        let invocation = Invocation::from_command(words.iter().map(OsString::from)).and_then(Result::ok);
        let runner = invocation.map(|invocation| Runner::told(name, &invocation));
        Some(Self { hook, command: words.join(" "), runner })
    }

    /// Whether its runner writes records.
    pub(super) fn records(&self) -> bool {
        self.runner.as_ref().is_some_and(|runner| runner.budget.is_some())
    }

    /// A run begins; what its runner writes is appended to the log.
    pub(super) fn begin(&mut self, run: usize, now: Timestamp, log: &mut String) {
        if let Some(runner) = &mut self.runner {
            // Nobody runs four thousand million hooks.
            let _ = runner.state.begin();
            runner.write(self.hook, run, (now, None), log);
        }
    }

    /// A run ends by itself. Whether the kubelet takes it for a success.
    pub(super) fn end(
        &mut self,
        run: (usize, Timestamp),
        end: HookEnd,
        now: Timestamp,
        log: &mut String,
    ) -> bool {
        let succeeded = end == HookEnd::Succeeded;
        let Some(runner) = &mut self.runner else { return succeeded };
        let outcome = match end {
            HookEnd::Succeeded => Outcome::Succeeded,
            HookEnd::Failed => Outcome::Failed,
            HookEnd::TimedOut => Outcome::TimedOut,
        };
        let execution = runner.execution();
        runner.state.end(execution, outcome);
        let micros = now.duration_since(run.1).as_micros();
        let ending = Ending {
            outcome,
            exit: Some(match end {
                HookEnd::Succeeded => Exit::Code(0),
                HookEnd::Failed => Exit::Code(1),
                HookEnd::TimedOut => Exit::Signal(15),
            }),
            duration: u64::try_from(micros).unwrap_or_default(),
            attempts: 1,
            message: String::new(),
            output: String::new(),
        };
        runner.write(self.hook, run.0, (run.1, Some(ending)), log);
        succeeded || runner.ignores_failure
    }
}

impl Runner {
    fn told(container: &str, invocation: &Invocation) -> Self {
        let logs = invocation.termination_log.is_some();
        Self {
            container: container.to_owned(),
            budget: logs.then_some(invocation.budget.unwrap_or(MAX_LINE)),
            ignores_failure: invocation.ignore_failure,
            has_timeout: invocation.timeout.is_some(),
            state: State::default(),
        }
    }

    fn execution(&self) -> u32 {
        self.state.numbering(0).counts.started
    }

    fn write(&self, hook: Hook, run: usize, (began, ending): (Timestamp, Option<Ending>), log: &mut String) {
        let Some(budget) = self.budget else { return };
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(run as u64).to_be_bytes());
        let record = Record {
            run: RunId(id),
            container: self.container.clone(),
            hook,
            start: u64::try_from(began.as_microsecond()).unwrap_or_default(),
            numbering: Some(self.state.numbering(self.execution())),
            ending,
        };
        log.extend(record.to_line(budget));
    }
}

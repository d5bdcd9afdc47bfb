//! What happens in a world, one thing at a time: a script is a list of these, and readable.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is carried out, and the reply comes.
    Answered,
    /// It is carried out, and the reply is under way.
    CarriedOut,
    /// It is carried out, and the reply is lost.
    ReplyLost,
    /// The connection is lost; it may be carried out until its time-out.
    Lost,
    /// It is answered by this status; one that says nothing certain may yet be carried out.
    Refused(u16),
}

/// What a watch is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feed {
    /// Pods of ours.
    Pods,
    /// The kubelets' Events.
    Events,
    /// Workloads.
    Workloads,
    /// Pods without our label.
    Foreign,
    /// Pods of others that workloads watch.
    Others,
}

/// What becomes of the dependents of a deleted workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cascade {
    /// They go afterwards.
    Background,
    /// They go first.
    Foreground,
    /// They stay.
    Orphan,
}

/// What requests a webhook refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Creates of Pods.
    Creates,
    /// Deletes of Pods.
    Deletes,
    /// Changes of Pods.
    Updates,
}

/// One thing that happens. Numbers of things that are not there count round: a script of which a part is cut
/// out still means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The fields say which one of those that there are, and how much.
pub enum Turn {
    /// So many times what is next happens, without any fault.
    Proceed { turns: u32 },
    /// Time passes.
    Wait { millis: u32 },
    /// One of the requests under way meets its fate.
    Answer { nth: u32, fate: Fate },
    /// An operator is shown the next things of a watch.
    Show { operator: u32, feed: Feed, count: u32 },
    /// A watch of an operator breaks off and begins anew with a list.
    Relist { operator: u32, feed: Feed },
    /// A node takes one of the steps that it can take.
    Node { nth: u32 },
    /// One of the things that can go wrong with nodes and Pods does.
    NodeFault { nth: u32 },
    /// A kubelet or a node is restarted.
    Accident { nth: u32 },
    /// The garbage collector does one thing.
    Collect,
    /// An operator dies, and starts again later.
    Crash { operator: u32, seconds: u32 },
    /// An operator is asked to stop, gives its Lease back, and starts again later.
    Stop { operator: u32, seconds: u32 },
    /// An operator stands still.
    Freeze { operator: u32, seconds: u32 },
    /// The clock of an operator's machine is set.
    SetClock { operator: u32, ahead: i32 },
    /// A workload is made that is not there, after a plan made of this seed.
    Create { workload: u32, plan: u32 },
    /// A Deployment is there with its Pods, after a plan made of this seed, and a workload that is to take them over.
    Deploy { workload: u32, plan: u32 },
    /// That Deployment, or then its ReplicaSet, is deleted and leaves behind what it controls.
    LetGo { workload: u32 },
    /// A workload is made that watches the Pods of others.
    Watch { watcher: u32 },
    /// A workload that watches is deleted.
    Unwatch { watcher: u32 },
    /// A Pod of others is made; the first one is made after a plan made of this seed, and the others as it is.
    RunPod { plan: u32 },
    /// A Pod of others is deleted with so many seconds of grace; 30 is what its template says.
    StopPod { nth: u32, grace: u32 },
    /// A workload is scaled.
    Scale { workload: u32, replicas: u32 },
    /// A workload gets another template, after a plan made of this seed.
    Change { workload: u32, plan: u32 },
    /// A workload is paused, or goes on.
    Pause { workload: u32, paused: bool },
    /// A workload gets a gate that bears so many failures and then pauses or rolls back; from 9 on it has none.
    Gate { workload: u32, failures: u32, rolls_back: bool },
    /// The user lets the revision through at which the gate of a workload is.
    OpenGate { workload: u32 },
    /// A workload is to go back to the revision with this number; 0 for the one before.
    Undo { workload: u32, number: u32 },
    /// A workload is deleted.
    Delete { workload: u32, cascade: Cascade },
    /// A Pod is deleted with so many seconds of grace; 30 is what its template says.
    DeletePod { nth: u32, grace: u32 },
    /// A Pod gets labels that its workload's selector does not match, or the ones that it matches again.
    Relabel { nth: u32 },
    /// A Pod is written down and deleted at once; the next such turn makes it again as it was written down, number and
    /// owner and all.
    Replace { nth: u32 },
    /// A stored revision is deleted.
    DeleteRevision { nth: u32 },
    /// There may be no more Pods than so many; 0 lifts the quota.
    Quota { pods: u32 },
    /// A webhook begins to refuse requests about Pods, or ends.
    Webhook { refused: Refused, on: bool },
}

/// A line of a script that is no turn.
#[derive(Debug, Error)]
#[error("no turn: {0:?}")]
pub struct NoTurn(String);

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proceed { turns } => write!(f, "proceed {turns}"),
            Self::Wait { millis } => write!(f, "wait {millis}"),
            Self::Answer { nth, fate } => match fate {
                Fate::Refused(code) => write!(f, "refuse {nth} {code}"),
                Fate::Answered => write!(f, "answer {nth}"),
                Fate::CarriedOut => write!(f, "carry-out {nth}"),
                Fate::ReplyLost => write!(f, "lose-reply {nth}"),
                Fate::Lost => write!(f, "lose {nth}"),
            },
            Self::Show { operator, feed, count } => write!(f, "show {operator} {} {count}", feed.name()),
            Self::Relist { operator, feed } => write!(f, "relist {operator} {}", feed.name()),
            Self::Node { nth } => write!(f, "node {nth}"),
            Self::NodeFault { nth } => write!(f, "node-fault {nth}"),
            Self::Accident { nth } => write!(f, "accident {nth}"),
            Self::Collect => write!(f, "collect"),
            Self::Crash { operator, seconds } => write!(f, "crash {operator} {seconds}"),
            Self::Stop { operator, seconds } => write!(f, "stop {operator} {seconds}"),
            Self::Freeze { operator, seconds } => write!(f, "freeze {operator} {seconds}"),
            Self::SetClock { operator, ahead } => write!(f, "set-clock {operator} {ahead}"),
            Self::Create { workload, plan } => write!(f, "create {workload} {plan}"),
            Self::Deploy { workload, plan } => write!(f, "deploy {workload} {plan}"),
            Self::LetGo { workload } => write!(f, "let-go {workload}"),
            Self::Watch { watcher } => write!(f, "watch {watcher}"),
            Self::Unwatch { watcher } => write!(f, "unwatch {watcher}"),
            Self::RunPod { plan } => write!(f, "run-pod {plan}"),
            Self::StopPod { nth, grace } => write!(f, "stop-pod {nth} {grace}"),
            Self::Scale { workload, replicas } => write!(f, "scale {workload} {replicas}"),
            Self::Change { workload, plan } => write!(f, "change {workload} {plan}"),
            Self::Pause { workload, paused } => write!(f, "pause {workload} {paused}"),
            Self::Gate { workload, failures, rolls_back } => {
                write!(f, "gate {workload} {failures} {rolls_back}")
            }
            Self::OpenGate { workload } => write!(f, "open-gate {workload}"),
            Self::Undo { workload, number } => write!(f, "undo {workload} {number}"),
            Self::Delete { workload, cascade } => write!(f, "delete {workload} {}", cascade.name()),
            Self::DeletePod { nth, grace } => write!(f, "delete-pod {nth} {grace}"),
            Self::Relabel { nth } => write!(f, "relabel {nth}"),
            Self::Replace { nth } => write!(f, "replace {nth}"),
            Self::DeleteRevision { nth } => write!(f, "delete-revision {nth}"),
            Self::Quota { pods } => write!(f, "quota {pods}"),
            Self::Webhook { refused, on } => write!(f, "webhook {} {on}", refused.name()),
        }
    }
}

impl FromStr for Turn {
    type Err = NoTurn;

    fn from_str(line: &str) -> Result<Self, NoTurn> {
        let mut words = line.split_whitespace();
        Self::read(&mut words).filter(|_| words.next().is_none()).ok_or_else(|| NoTurn(line.to_owned()))
    }
}

impl Turn {
    fn read<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        let verb = words.next()?;
        let fate = match verb {
            "answer" => Some(Fate::Answered),
            "carry-out" => Some(Fate::CarriedOut),
            "lose-reply" => Some(Fate::ReplyLost),
            "lose" => Some(Fate::Lost),
            _ => None,
        };
        if let Some(fate) = fate {
            return Some(Self::Answer { nth: number(words)?, fate });
        }
        Some(match verb {
            "proceed" => Self::Proceed { turns: number(words)? },
            "wait" => Self::Wait { millis: number(words)? },
            "refuse" => Self::Answer { nth: number(words)?, fate: Fate::Refused(number(words)?) },
            "show" => {
                Self::Show { operator: number(words)?, feed: Feed::of(words.next()?)?, count: number(words)? }
            }
            "relist" => Self::Relist { operator: number(words)?, feed: Feed::of(words.next()?)? },
            "node" => Self::Node { nth: number(words)? },
            "node-fault" => Self::NodeFault { nth: number(words)? },
            "accident" => Self::Accident { nth: number(words)? },
            "collect" => Self::Collect,
            "crash" => Self::Crash { operator: number(words)?, seconds: number(words)? },
            "stop" => Self::Stop { operator: number(words)?, seconds: number(words)? },
            "freeze" => Self::Freeze { operator: number(words)?, seconds: number(words)? },
            "set-clock" => Self::SetClock { operator: number(words)?, ahead: number(words)? },
            _ => return Self::read_user(verb, words),
        })
    }

    fn read_user<'a>(verb: &str, words: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        Some(match verb {
            "create" => Self::Create { workload: number(words)?, plan: number(words)? },
            "deploy" => Self::Deploy { workload: number(words)?, plan: number(words)? },
            "let-go" => Self::LetGo { workload: number(words)? },
            "watch" => Self::Watch { watcher: number(words)? },
            "unwatch" => Self::Unwatch { watcher: number(words)? },
            "run-pod" => Self::RunPod { plan: number(words)? },
            "stop-pod" => Self::StopPod { nth: number(words)?, grace: number(words)? },
            "scale" => Self::Scale { workload: number(words)?, replicas: number(words)? },
            "change" => Self::Change { workload: number(words)?, plan: number(words)? },
            "pause" => Self::Pause { workload: number(words)?, paused: number(words)? },
            "gate" => {
                let (workload, failures) = (number(words)?, number(words)?);
                Self::Gate { workload, failures, rolls_back: number(words)? }
            }
            "open-gate" => Self::OpenGate { workload: number(words)? },
            "undo" => Self::Undo { workload: number(words)?, number: number(words)? },
            "delete" => Self::Delete { workload: number(words)?, cascade: Cascade::of(words.next()?)? },
            "delete-pod" => Self::DeletePod { nth: number(words)?, grace: number(words)? },
            "relabel" => Self::Relabel { nth: number(words)? },
            "replace" => Self::Replace { nth: number(words)? },
            "delete-revision" => Self::DeleteRevision { nth: number(words)? },
            "quota" => Self::Quota { pods: number(words)? },
            "webhook" => Self::Webhook { refused: Refused::of(words.next()?)?, on: number(words)? },
            _ => return None,
        })
    }
}

fn number<'a, T: FromStr>(words: &mut impl Iterator<Item = &'a str>) -> Option<T> {
    words.next()?.parse().ok()
}

macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),* }) => {
        impl $type {
            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            fn of(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

named!(Feed { Pods = "pods", Events = "events", Workloads = "workloads", Foreign = "foreign", Others = "others" });
named!(Cascade { Background = "background", Foreground = "foreground", Orphan = "orphan" });
named!(Refused { Creates = "creates", Deletes = "deletes", Updates = "updates" });

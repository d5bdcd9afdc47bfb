//! What can happen next.

/// How a hook ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookEnd {
    /// It exits with 0.
    Succeeded,
    /// It exits with 1.
    Failed,
    /// Its runner ends it by the timeout of its policy; only for hooks that have one.
    TimedOut,
}

/// One thing that happens to a Pod or a node. Containers are counted from 0: sidecars first, then the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // The fields say which Pod by its UID, which container by its number, which node by its name.
pub enum Step {
    /// The scheduler binds a Pod to a node.
    Bind { namespace: String, name: String, node: String },
    /// A kubelet sees a Pod for the first time.
    Accept { namespace: String, name: String },
    /// The next instance of a container starts, and with it its postStart hook.
    Start { uid: String, container: usize },
    /// The hook that runs in a container ends by itself.
    EndHook { uid: String, container: usize, end: HookEnd },
    /// The grace period is over and cuts a preStop hook off.
    CutOff { uid: String, container: usize },
    /// A program exits: on its stop signal, or by itself.
    Exit { uid: String, container: usize, code: i32 },
    /// The grace period is over and a program is killed.
    Kill { uid: String, container: usize },
    /// A startup probe succeeds.
    PassStartup { uid: String, container: usize },
    /// A readiness probe changes its mind.
    SetReady { uid: String, container: usize, ready: bool },
    /// The kubelet notices that a Pod is deleted, or gone, and begins to stop it.
    Stop { uid: String },
    /// The kubelet writes a Pod's status.
    Report { uid: String },
    /// The kubelet deletes a Pod a last time, with a grace of 0.
    Remove { uid: String },
    /// The kubelet forgets a Pod that is gone and stopped.
    Forget { uid: String },
    /// The oldest Event that a kubelet has not sent yet is sent.
    SendEvent { node: String },

    /// The oldest Event that a kubelet has not sent yet is lost.
    LoseEvent { node: String },
    /// A liveness probe fails, and its container is to be restarted.
    FailLiveness { uid: String, container: usize },
    /// A startup probe fails, and its container is to be restarted.
    FailStartup { uid: String, container: usize },
    /// The kernel kills a program that uses too much memory.
    OutOfMemory { uid: String, container: usize },
    /// The kubelet evicts a Pod.
    Evict { uid: String },
    /// A kubelet and the API server cannot reach each other; its containers go on.
    LoseNode { node: String },
    /// They can again.
    ReturnNode { node: String },
    /// A kubelet is restarted.
    RestartKubelet { node: String },
    /// A node is restarted.
    Reboot { node: String },
    /// A node is no more, nor is what ran on it.
    DestroyNode { node: String },
    /// The control plane deletes a Pod whose node does not answer.
    DeleteByTaint { uid: String },
    /// The control plane's Pod garbage collector takes a Pod away whose node is no more.
    CollectPod { uid: String },
}

impl Step {
    /// The UID of the Pod that the step is about, if the step names one.
    pub fn uid(&self) -> Option<&str> {
        match self {
            Self::Start { uid, .. }
            | Self::EndHook { uid, .. }
            | Self::CutOff { uid, .. }
            | Self::Exit { uid, .. }
            | Self::Kill { uid, .. }
            | Self::PassStartup { uid, .. }
            | Self::SetReady { uid, .. }
            | Self::Stop { uid }
            | Self::Report { uid }
            | Self::Remove { uid }
            | Self::Forget { uid }
            | Self::FailLiveness { uid, .. }
            | Self::FailStartup { uid, .. }
            | Self::OutOfMemory { uid, .. }
            | Self::Evict { uid }
            | Self::DeleteByTaint { uid }
            | Self::CollectPod { uid } => Some(uid),
            _ => None,
        }
    }
}

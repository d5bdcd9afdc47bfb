//! What becomes of a request.

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is answered.
    Answered,
    /// It is carried out, and its reply is lost.
    ReplyLost,
    /// The server refuses it with this status.
    Refused(u16),
    /// It is carried out, and its reply is held back until the test lets replies go.
    Held,
}

/// One request as the server has seen it.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// The operator that has sent it.
    pub(super) by: String,
    pub(super) method: hooked_simulation::Method,
    pub(super) path: String,
    pub(super) is_dry_run: bool,
    pub(super) body: serde_json::Value,
    /// The status of the server's reply, whether it has reached the operator or not.
    pub(super) code: u16,
}

impl Sent {
    /// Whether it has changed something of that kind, such as `/pods`.
    pub(super) fn has_changed(&self, collection: &str) -> bool {
        let is_write = self.method != hooked_simulation::Method::Get && !self.is_dry_run;
        is_write && self.code < 300 && self.path.contains(collection)
    }

    /// Whether it takes our finalizer off a Pod.
    pub(super) fn removes_finalizer(&self) -> bool {
        let removed = &self.body["metadata"]["$deleteFromPrimitiveList/finalizers"];
        self.has_changed("/pods/") && !removed.is_null()
    }
}

/// How many requests are such.
pub(super) fn count(log: &[Sent], is_such: impl Fn(&Sent) -> bool) -> usize {
    log.iter().filter(|sent| is_such(sent)).count()
}

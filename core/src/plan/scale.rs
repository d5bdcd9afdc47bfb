//! How many Pods there should be, without regard to revisions.

/// What brings the number of Pods to the number wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// So many more.
    Up(usize),
    /// So many fewer.
    Down(usize),
    /// As wanted.
    Even,
}

/// Compares Pods that are neither terminating nor ended with the number wanted.
pub(super) fn scale(alive: usize, wanted: usize) -> Scale {
    match alive {
        fewer if fewer < wanted => Scale::Up(wanted - fewer),
        more if more > wanted => Scale::Down(more - wanted),
        _ => Scale::Even,
    }
}

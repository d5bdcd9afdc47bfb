//! A value for each of the two hooks that a container may have.

use std::ops::{Index, IndexMut};

use hooked_crd::HookKind;

/// A value for the postStart hook and one for the preStop hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerHook<T> {
    /// The value for the postStart hook.
    pub post_start: T,
    /// The value for the preStop hook.
    pub pre_stop: T,
}

impl<T> PerHook<T> {
    /// Both values with their hooks, in the order in which a container runs the hooks.
    pub fn iter(&self) -> impl Iterator<Item = (HookKind, &T)> {
        [(HookKind::PostStart, &self.post_start), (HookKind::PreStop, &self.pre_stop)].into_iter()
    }

    /// What `change` makes of both values.
    pub fn map<U>(self, mut change: impl FnMut(HookKind, T) -> U) -> PerHook<U> {
        PerHook {
            post_start: change(HookKind::PostStart, self.post_start),
            pre_stop: change(HookKind::PreStop, self.pre_stop),
        }
    }

    /// References to both values.
    pub fn as_ref(&self) -> PerHook<&T> {
        PerHook { post_start: &self.post_start, pre_stop: &self.pre_stop }
    }

    /// Mutable references to both values.
    pub fn as_mut(&mut self) -> PerHook<&mut T> {
        PerHook { post_start: &mut self.post_start, pre_stop: &mut self.pre_stop }
    }
}

impl<T> Index<HookKind> for PerHook<T> {
    type Output = T;

    fn index(&self, hook: HookKind) -> &T {
        match hook {
            HookKind::PostStart => &self.post_start,
            HookKind::PreStop => &self.pre_stop,
        }
    }
}

impl<T> IndexMut<HookKind> for PerHook<T> {
    fn index_mut(&mut self, hook: HookKind) -> &mut T {
        match hook {
            HookKind::PostStart => &mut self.post_start,
            HookKind::PreStop => &mut self.pre_stop,
        }
    }
}

//! Flags of `completion`.

use clap::{Args, ValueEnum};

/// Flags of `completion`.
#[derive(Args, Debug)]
pub(crate) struct CompletionOptions {
    /// Who is to complete.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Who completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// `source <(kubectl hooked completion bash)`; for `kubectl-hooked`, as all shells.
    Bash,
    /// `source <(kubectl hooked completion zsh)`.
    Zsh,
    /// `kubectl hooked completion fish | source`.
    Fish,
    /// `kubectl hooked completion powershell | Out-String | Invoke-Expression`.
    Powershell,
    /// For `kubectl hooked`: an executable `kubectl_complete-hooked` on the PATH, which kubectl from 1.26 on asks.
    Kubectl,
}

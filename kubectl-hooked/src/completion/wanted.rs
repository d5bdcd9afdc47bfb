//! What may stand where the last of some words stands.

use clap::{Arg, ArgAction, Command, CommandFactory, Parser};

use crate::arguments::{Cli, ClusterFlags};

/// Objects whose names are completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Workload,
    Pod,
    Namespace,
}

/// What may stand there.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// One of these words, each with what it means.
    Words(Vec<(String, String)>),
    /// The name of an object in the cluster that these flags name.
    Names {
        kind: Kind,
        flags: Box<ClusterFlags>,
    },
    Files,
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Words(one), Self::Words(another)) => one == another,
            (Self::Names { kind: one, .. }, Self::Names { kind: another, .. }) => one == another,
            (Self::Files, Self::Files) => true,
            _ => false,
        }
    }
}

/// What the words before the last have said.
struct Said {
    command: Command,
    /// Words that are neither a command nor about a flag.
    positional: usize,
    /// The flag whose value comes next.
    open: Option<Arg>,
    /// Flags of the cluster, with their values.
    cluster: Vec<String>,
}

/// What may stand where the last word stands; the words before it are complete.
pub(super) fn wanted(words: &[String]) -> Wanted {
    let (typed, before) = words.split_last().map_or(("", words), |(last, before)| (&**last, before));
    let mut root = Cli::command();
    root.build();
    let mut said = Said { command: root, positional: 0, open: None, cluster: Vec::new() };
    for word in before {
        said.take(word);
    }
    if let Some(flag) = &said.open {
        return said.value_of(flag, "");
    }
    if let Some((name, _)) = typed.split_once('=').filter(|(name, _)| name.starts_with("--")) {
        return flag(&said.command, name)
            .map_or_else(nothing, |flag| said.value_of(flag, &format!("{name}=")));
    }
    if typed.starts_with('-') {
        return Wanted::Words(said.flags());
    }
    if said.command.has_subcommands() {
        let commands = said.command.get_subcommands().filter(|command| !command.is_hide_set());
        let words = commands.map(|command| (command.get_name().to_owned(), about(command.get_about())));
        return Wanted::Words(words.collect());
    }
    let positional = said.command.get_positionals().nth(said.positional);
    positional.map_or_else(nothing, |positional| said.value_of(positional, ""))
}

fn nothing() -> Wanted {
    Wanted::Words(Vec::new())
}

/// The flag that a word such as `--namespace`, `-n` or `-An` opens or is.
fn flag<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let long = word.strip_prefix("--");
    let short =
        if long.is_some() { None } else { word.strip_prefix('-').and_then(|rest| rest.chars().last()) };
    command.get_arguments().find(|arg| {
        long.is_some_and(|long| arg.get_long() == Some(long))
            || short.is_some_and(|short| arg.get_short() == Some(short))
    })
}

fn about(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

impl Said {
    fn take(&mut self, word: &str) {
        if let Some(open) = self.open.take() {
            self.keep(&open, word);
        } else if let Some((name, value)) = word.split_once('=').filter(|(name, _)| name.starts_with("--")) {
            if let Some(flag) = flag(&self.command, name).cloned() {
                self.keep(&flag, value);
            }
        } else if word.starts_with('-') {
            let takes = |flag: &&Arg| {
                matches!(flag.get_action(), ArgAction::Set | ArgAction::Append)
                    && !flag.is_require_equals_set()
            };
            self.open = flag(&self.command, word).filter(takes).cloned();
            if word == "--insecure-skip-tls-verify" {
                self.cluster.push(word.to_owned());
            }
        } else if let Some(command) = self.command.find_subcommand(word).cloned() {
            self.command = command;
        } else {
            self.positional += 1;
        }
    }

    /// Keeps what says which cluster to ask.
    fn keep(&mut self, flag: &Arg, value: &str) {
        if let Some(long) = flag.get_long().filter(|_| flag.get_help_heading() == Some("Cluster")) {
            self.cluster.push(format!("--{long}={value}"));
        }
    }

    /// What may be the value of a flag or a positional, with `before` in front of each.
    fn value_of(&self, arg: &Arg, before: &str) -> Wanted {
        let name = |kind| {
            let words = [&["kubectl-hooked".to_owned()], &*self.cluster, &["list".to_owned()]].concat();
            Cli::try_parse_from(words)
                .map_or_else(|_| nothing(), |cli| Wanted::Names { kind, flags: Box::new(cli.cluster) })
        };
        match arg.get_id().as_str() {
            "name" => name(Kind::Workload),
            "pod" => name(Kind::Pod),
            "namespace" | "operator_namespace" if before.is_empty() => name(Kind::Namespace),
            "kubeconfig" | "filename" => Wanted::Files,
            _ => {
                let values = arg.get_possible_values();
                let values = values.iter().filter(|value| !value.is_hide_set());
                let words =
                    values.map(|value| (format!("{before}{}", value.get_name()), about(value.get_help())));
                Wanted::Words(words.collect())
            }
        }
    }

    fn flags(&self) -> Vec<(String, String)> {
        let flags = self.command.get_arguments().filter(|arg| !arg.is_hide_set());
        flags.filter_map(|arg| Some((format!("--{}", arg.get_long()?), about(arg.get_help())))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &str) -> Wanted {
        wanted(&words.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    /// Words as they are wanted, without what they mean.
    fn words(typed: &str) -> Vec<String> {
        match of(typed) {
            Wanted::Words(words) => words.into_iter().map(|(word, _)| word).collect(),
            other => panic!("{typed}: {other:?}"),
        }
    }

    fn names(typed: &str, expect: Kind, namespace: Option<&str>) {
        match of(typed) {
            Wanted::Names { kind, flags } => {
                assert_eq!((kind, flags.namespace.as_deref()), (expect, namespace), "{typed}");
            }
            other => panic!("{typed}: {other:?}"),
        }
    }

    #[test]
    fn commands_flags_and_their_values_are_completed_as_they_are_declared() {
        let commands = words("");
        assert!(
            commands.contains(&"status".to_owned()) && !commands.iter().any(|word| word.starts_with("__"))
        );
        assert!(words("-n shop ").contains(&"list".to_owned()));
        assert!(words("status --wa").contains(&"--watch".to_owned()));
        assert!(words("list -").contains(&"--as-group".to_owned()));
        assert_eq!(words("status web --wait --for "), ["ready", "hooks-healthy", "deleted"]);
        assert_eq!(words("undo web --dry-run="), ["--dry-run=none", "--dry-run=client", "--dry-run=server"]);
        assert_eq!(words("list -o "), ["json", "yaml", "wide"]);
        assert!(words("completion ").contains(&"fish".to_owned()));
        assert_eq!(words("status web "), [""; 0]);
    }

    #[test]
    fn names_are_asked_of_the_cluster_that_the_words_name() {
        names("status ", Kind::Workload, None);
        names("status w", Kind::Workload, None);
        names("-n shop status ", Kind::Workload, Some("shop"));
        names("logs --namespace=shop --as jane -f ", Kind::Workload, Some("shop"));
        names("undo --dry-run ", Kind::Workload, None);
        names("why ", Kind::Pod, None);
        names("list -n ", Kind::Namespace, None);
        assert_eq!(of("convert -f "), Wanted::Files);
    }
}

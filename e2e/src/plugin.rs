//! `kubectl hooked`, as people and pipelines start it.

use std::env;
use std::path::Path;
use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::cluster::{Cluster, told};
use crate::space::Space;
use crate::wait::DEADLINE;

/// What a program has said, and how it has ended.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error; of a program on a terminal that is part of the output.
    pub err: String,
}

/// A terminal that a program is shown on.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// How many characters a line has.
    pub columns: u16,
    /// Variables that are set.
    pub environment: &'static [(&'static str, &'static str)],
}

impl Said {
    fn of(output: &Output) -> Result<Self> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().context("ended by a signal")?;
        Ok(Self { code, out: text(&output.stdout), err: text(&output.stderr) })
    }

    /// Its standard output, if it has succeeded.
    pub fn succeeded(self) -> Result<String> {
        ensure!(self.code == 0, "exit code {}: {}{}", self.code, self.out, self.err);
        Ok(self.out)
    }
}

impl Space {
    /// `kubectl hooked` in this namespace, with pipes.
    pub async fn hooked(&self, arguments: &[&str]) -> Result<Said> {
        self.hooked_reading(arguments, "").await
    }

    /// The same, reading `input` from its standard input.
    pub async fn hooked_reading(&self, arguments: &[&str], input: &str) -> Result<Said> {
        let mut command = kubectl(&self.cluster)?;
        command.arg("hooked").args(arguments).args(["--namespace", &self.name]);
        let mut child = piped(&mut command)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        Said::of(&child.wait_with_output().await?)
    }

    /// The same on a terminal.
    pub async fn hooked_on(&self, terminal: Terminal, arguments: &[&str]) -> Result<Said> {
        let Terminal { columns, environment } = terminal;
        let typed = format!(
            "stty cols {columns} rows 50; exec {} hooked {} --namespace {}",
            self.cluster.kubectl.display(),
            arguments.join(" "),
            self.name
        );
        let mut command = command_for(&self.cluster, Path::new("script"))?;
        command.args(["--quiet", "--return", "--command", &typed, "/dev/null"]);
        command.env_remove("NO_COLOR").envs(environment.iter().copied());
        let said = Said::of(&piped(&mut command)?.wait_with_output().await?)?;
        // A terminal ends its lines in its own way.
        Ok(Said { out: said.out.replace("\r\n", "\n"), ..said })
    }

    /// Starts `kubectl hooked` and reads its lines until one holds `words`; then does `then`, reads on until one holds
    /// `others`, and interrupts it as Ctrl-C does.
    pub async fn hooked_watching(
        &self,
        arguments: &[&str],
        words: &str,
        then: impl AsyncFnOnce() -> Result<()>,
        others: &str,
    ) -> Result<Said> {
        let mut command = kubectl(&self.cluster)?;
        command.arg("hooked").args(arguments).args(["--namespace", &self.name]);
        let mut child = piped(&mut command)?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let mut seen = String::new();
        let mut until = async |words: &str| -> Result<()> {
            while let Some(line) = lines.next_line().await? {
                seen.push_str(&line);
                seen.push('\n');
                if line.contains(words) {
                    return Ok(());
                }
            }
            anyhow::bail!("ended without a line that holds {words:?}:\n{seen}")
        };
        let watched = async {
            until(words).await?;
            then().await?;
            until(others).await
        };
        tokio::time::timeout(DEADLINE, watched).await.context("not seen in time")??;
        let id = child.id().context("has ended already")?.to_string();
        let told = Command::new("kill").args(["-INT", &id]).status().await?;
        ensure!(told.success(), "cannot be interrupted");
        let mut said = Said::of(&child.wait_with_output().await?)?;
        said.out = seen;
        Ok(said)
    }
}

/// kubectl, which finds its plugins on the PATH.
fn kubectl(cluster: &Cluster) -> Result<Command> {
    command_for(cluster, &cluster.kubectl)
}

fn command_for(cluster: &Cluster, program: &Path) -> Result<Command> {
    let plugin = told("HOOKED_E2E_PLUGIN")?;
    let place = Path::new(&plugin).parent().context("the plugin lies nowhere")?;
    let path = env::var_os("PATH").unwrap_or_default();
    let places = std::iter::once(place.to_owned()).chain(env::split_paths(&path));
    let mut command = Command::new(program);
    command.env("PATH", env::join_paths(places)?).env("KUBECONFIG", &cluster.kubeconfig);
    command.env("KUBECACHEDIR", cluster.kubeconfig.with_extension("cache")).kill_on_drop(true);
    Ok(command)
}

fn piped(command: &mut Command) -> Result<Child> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().with_context(|| format!("{} cannot be started", command.as_std().get_program().display()))
}

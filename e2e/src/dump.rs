//! What a failed scenario leaves for whoever looks into it.

use crate::operator;
use crate::space::Space;

/// Shows Pods, workloads, Events and the operator's words about them on standard error.
pub(crate) async fn dump(space: &Space) {
    let views: [&[&str]; 4] = [
        &["get", "pods,hw,controllerrevisions", "-o", "wide"],
        &["get", "hw", "-o", "yaml"],
        &["get", "pods", "-o", "yaml"],
        &["get", "events", "--sort-by=.metadata.creationTimestamp"],
    ];
    for view in views {
        eprintln!("---- kubectl -n {} {}", space.name, view.join(" "));
        match space.kubectl(view).await {
            Ok(text) => eprintln!("{text}"),
            Err(error) => eprintln!("{error:#}"),
        }
    }
    eprintln!("---- the operator's log about {}", space.name);
    match operator::log(&space.cluster).await {
        Ok(log) => {
            for line in log.lines().filter(|line| line.contains(&space.name) || line.contains("ERROR")) {
                eprintln!("{line}");
            }
        }
        Err(error) => eprintln!("{error:#}"),
    }
    if let Ok(files) = space.files.all() {
        for (name, lines) in files {
            eprintln!("---- {name}: {} lines\n{}", lines.len(), lines.join("\n"));
        }
    }
}

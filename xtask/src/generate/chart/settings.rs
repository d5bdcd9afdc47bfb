//! The chart's values.

use super::values::{Setting, Shape};

/// All of them, in the order in which they are shown.
pub(super) const ALL: &[Setting] = &[
    Setting {
        path: "image.registry",
        default: "hooked.dev",
        shape: Shape::Text,
        about: "The registry of all images: a mirror's name here is all that a private registry or an air gap needs.",
    },
    Setting {
        path: "image.repository",
        default: "hooked",
        shape: Shape::Text,
        about: "The image in that registry.",
    },
    Setting {
        path: "image.tag",
        default: "\"\"",
        shape: Shape::Text,
        about: "Its tag. If empty, the chart's own version with a `v` in front.",
    },
    Setting {
        path: "image.digest",
        default: "\"\"",
        shape: Shape::Text,
        about: "Its digest, `sha256:…`, which then counts and not the tag.",
    },
    Setting {
        path: "image.pullPolicy",
        default: "IfNotPresent",
        shape: Shape::OneOf(&["Always", "IfNotPresent", "Never"]),
        about: "When the operator's image is pulled.",
    },
    Setting {
        path: "imagePullSecrets",
        default: "[]",
        shape: Shape::Objects,
        about: "Secrets by which the operator's own Pods pull it: `- name: NAME`. Pods with hooks need `runner.pullSecret`.",
    },
    Setting {
        path: "replicas",
        default: "2",
        shape: Shape::AtLeast(0),
        about: "Pods of the operator. One leads, the others stand by to take over at once.",
    },
    Setting {
        path: "watchNamespaces",
        default: "[]",
        shape: Shape::Texts,
        about: "Namespaces to work in, each with a Role of its own and no right beyond; all namespaces if empty. Those that \
                are named must exist.",
    },
    Setting {
        path: "takeOver",
        default: "[]",
        shape: Shape::Texts,
        about: "Namespaces of operators that are gone for good, or are about to go: their workloads become this one's when it \
                starts.",
    },
    Setting {
        path: "runner.image",
        default: "\"\"",
        shape: Shape::Text,
        about: "The image of the hook-runner in Pods. If empty, the operator's own, which is right unless Pods must pull it \
                from elsewhere.",
    },
    Setting {
        path: "runner.pullSecret",
        default: "\"\"",
        shape: Shape::Text,
        about: "A Secret by which Pods pull that image. It must exist in each namespace with workloads, is never copied, and \
                the operator gets the right to see whether it is there.",
    },
    Setting {
        path: "runner.architectures",
        default: "[]",
        shape: Shape::Texts,
        about: "The architectures that the image is for, such as `[amd64, arm64]`. If empty, the operator's own: Pods that \
                may land on others are then observed.",
    },
    Setting {
        path: "runner.injection",
        default: "\"\"",
        shape: Shape::OneOf(&["", "Auto", "ImageVolume", "InitContainer"]),
        about: "How the hook-runner comes into Pods. If empty, `Auto`: by image volumes where every node has them.",
    },
    Setting {
        path: "log.level",
        default: "\"\"",
        shape: Shape::Text,
        about: "`error`, `warn`, `info`, `debug` or `trace`, also for parts, such as `info,kube=debug`. If empty, `info`.",
    },
    Setting {
        path: "log.format",
        default: "\"\"",
        shape: Shape::OneOf(&["", "json", "text"]),
        about: "If empty, `json`.",
    },
    Setting {
        path: "extraArgs",
        default: "[]",
        shape: Shape::Texts,
        about: "Further flags of the operator (docs/reference/flags.md).",
    },
    Setting {
        path: "priorityClassName",
        default: "system-cluster-critical",
        shape: Shape::Text,
        about: "The operator's priority: Pods that are deleted stay Terminating while it does not run. Empty: none.",
    },
    Setting {
        path: "criticalPodsQuota",
        default: "true",
        shape: Shape::Flag,
        about: "Install a ResourceQuota by which clusters that allow system priorities only under one (GKE) allow it \
                here.",
    },
    Setting {
        path: "podDisruptionBudget",
        default: "true",
        shape: Shape::Flag,
        about: "Have drains take one of the operator's Pods at a time.",
    },
    Setting {
        path: "spread",
        default: "true",
        shape: Shape::Flag,
        about: "Spread the operator's Pods over nodes and zones where that can be done.",
    },
    Setting {
        path: "networkPolicy",
        default: "false",
        shape: Shape::Flag,
        about: "Install a NetworkPolicy for the operator's Pods: docs/production.md says what it lets through.",
    },
    Setting {
        path: "injector",
        default: "false",
        shape: Shape::Flag,
        about: "Put what HookedWorkloads with a `workloadRef` ask for into Pods that others make, in namespaces labelled \
                `hooked.dev/inject: enabled` (docs/injector.md).",
    },
    Setting {
        path: "resources",
        default: "\nrequests:\n  cpu: 10m\n  memory: 64Mi\nlimits:\n  cpu: \"1\"\n  memory: 256Mi",
        shape: Shape::Object,
        about: "What each of the operator's Pods asks for and may take: memory grows with the Pods of all workloads \
                (docs/performance.md).",
    },
    Setting {
        path: "nodeSelector",
        default: "{}",
        shape: Shape::Object,
        about: "Nodes for the operator's Pods.",
    },
    Setting {
        path: "affinity",
        default: "{}",
        shape: Shape::Object,
        about: "Affinity of the operator's Pods.",
    },
    Setting {
        path: "tolerations",
        default: "[]",
        shape: Shape::Objects,
        about: "Taints that they tolerate.",
    },
    Setting {
        path: "metrics.secure",
        default: "false",
        shape: Shape::Flag,
        about: "Serve metrics over TLS, to those who may `get` `/metrics`: bind them to the ClusterRole \
                hooked-metrics-reader.",
    },
    Setting {
        path: "prometheus.serviceMonitor.enabled",
        default: "false",
        shape: Shape::Flag,
        about: "Install a ServiceMonitor for the Prometheus Operator.",
    },
    Setting {
        path: "prometheus.serviceMonitor.labels",
        default: "{}",
        shape: Shape::Object,
        about: "Labels by which that Prometheus selects it: kube-prometheus-stack wants `release: NAME`.",
    },
    Setting {
        path: "prometheus.serviceMonitor.interval",
        default: "30s",
        shape: Shape::Text,
        about: "How often metrics are scraped.",
    },
    Setting {
        path: "prometheus.rules.enabled",
        default: "false",
        shape: Shape::Flag,
        about: "Install the alerts as a PrometheusRule.",
    },
    Setting {
        path: "prometheus.rules.labels",
        default: "{}",
        shape: Shape::Object,
        about: "Labels by which that Prometheus selects them.",
    },
    Setting {
        path: "prometheus.rules.runbooks",
        default: "https://hooked.dev/runbooks/",
        shape: Shape::Text,
        about: "What stands before `NAME.md` in an alert's `runbook_url`: the address of your copy of docs/runbooks.",
    },
    Setting {
        path: "prometheus.rules.disabled",
        default: "[]",
        shape: Shape::Texts,
        about: "Alerts to leave out, by their names.",
    },
    Setting {
        path: "prometheus.rules.severities",
        default: "{}",
        shape: Shape::Object,
        about: "Severities of alerts by their names, such as `HookedHookStuck: critical`; docs/runbooks has the usual ones.",
    },
    Setting {
        path: "prometheus.rules.for",
        default: "{}",
        shape: Shape::Object,
        about: "For how long it must be so, by the alerts' names, such as `HookedHookStuck: 5m`.",
    },
    Setting {
        path: "prometheus.rules.thresholds.failureRatio",
        default: "0.1",
        shape: Shape::Number,
        about: "HookedHookFailureRatioHigh: the share of runs that fail, of 1.",
    },
    Setting {
        path: "prometheus.rules.thresholds.failures",
        default: "1.5",
        shape: Shape::Number,
        about: "HookedHookFailureRatioHigh: and more failures than this in 15 minutes.",
    },
    Setting {
        path: "prometheus.rules.thresholds.stuckSeconds",
        default: "600",
        shape: Shape::Number,
        about: "HookedHookStuck: a hook runs for longer than this.",
    },
    Setting {
        path: "prometheus.rules.thresholds.kills",
        default: "2.5",
        shape: Shape::Number,
        about: "HookedContainersKilledByHooks: more kills than this in 30 minutes.",
    },
    Setting {
        path: "prometheus.rules.thresholds.graceRatio",
        default: "0.8",
        shape: Shape::Number,
        about: "HookedGraceBudgetNearlyUsed: the share of the grace period that one stop in ten uses, of 1.",
    },
    Setting {
        path: "prometheus.rules.thresholds.lateSeconds",
        default: "300",
        shape: Shape::Number,
        about: "HookedNotReconciling: a workload waits for longer than this.",
    },
    Setting {
        path: "prometheus.rules.thresholds.reconcileErrors",
        default: "3",
        shape: Shape::Number,
        about: "HookedReconcileErrors: more errors than this in 10 minutes.",
    },
    Setting {
        path: "grafana.dashboards.enabled",
        default: "false",
        shape: Shape::Flag,
        about: "Install the dashboards as a ConfigMap, as the sidecar of Grafana's chart reads them.",
    },
    Setting {
        path: "grafana.dashboards.namespace",
        default: "\"\"",
        shape: Shape::Text,
        about: "Its namespace: a sidecar reads its own alone unless it has `searchNamespace: ALL`. If empty, the release's.",
    },
    Setting {
        path: "grafana.dashboards.labels",
        default: "\ngrafana_dashboard: \"1\"",
        shape: Shape::Object,
        about: "Labels by which the sidecar finds it.",
    },
    Setting {
        path: "grafana.dashboards.folder",
        default: "Hooked",
        shape: Shape::Text,
        about: "The folder in Grafana.",
    },
    Setting {
        path: "grafana.operator",
        default: "false",
        shape: Shape::Flag,
        about: "Install GrafanaDashboards too, for the Grafana Operator.",
    },
    Setting {
        path: "serviceAccount.annotations",
        default: "{}",
        shape: Shape::Object,
        about: "Annotations of the operator's ServiceAccount.",
    },
    Setting {
        path: "rbac.aggregatedRoles",
        default: "true",
        shape: Shape::Flag,
        about: "Let `view`, `edit` and `admin` of a namespace read and change HookedWorkloads, as they may Deployments. A \
                second installation in the cluster sets false.",
    },
    Setting {
        path: "crds.install",
        default: "true",
        shape: Shape::Flag,
        about: "Install the definition of HookedWorkloads, and upgrade it with the chart. A second installation in the \
                cluster sets false.",
    },
    Setting {
        path: "crds.keep",
        default: "true",
        shape: Shape::Flag,
        about: "Keep the definition when the chart is uninstalled: without it all workloads would be deleted.",
    },
    Setting {
        path: "uninstallGuard",
        default: "true",
        shape: Shape::Flag,
        about: "Refuse to uninstall while HookedWorkloads or their Pods need the operator.",
    },
];

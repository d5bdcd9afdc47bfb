//! The chart's templates that are files of config/ with values in them.

use super::alerts;
use super::template::{Frame, Template, plain};

/// Where the injector is wanted.
const INJECTOR: &str = ".Values.injector";

/// Files of these folders that a chart has no use for.
pub(super) const NOT_IN_CHART: [&str; 5] = [
    "config/crd/kustomization.yaml",
    "config/rbac/kustomization.yaml",
    "config/manager/kustomization.yaml",
    // `helm install --create-namespace` makes it.
    "config/manager/namespace.yaml",
    // Bound in templates/rbac/roles.yaml, which is written by hand: in all namespaces or in some.
    "config/rbac/role_binding.yaml",
];

/// Files that the chart takes as they are.
pub(super) const COPIES: &[(&str, &str)] = &[
    ("config/chart/LICENSE", "LICENSE"),
    ("config/chart/files/hooked-overview.json", "config/grafana/overview.json"),
    ("config/chart/files/hooked-workload.json", "config/grafana/workload.json"),
    ("config/chart/files/hooked-operator.json", "config/grafana/operator.json"),
];

/// All of them.
pub(super) const ALL: &[Template] = &[
    Template {
        source: "config/crd/hooked.dev_hookedworkloads.yaml",
        path: "config/chart/templates/crd.yaml",
        frame: Frame::If(".Values.crds.install"),
        edits: &[(
            "metadata:\n  name: hookedworkloads.hooked.dev\n",
            "metadata:\n  name: hookedworkloads.hooked.dev\n  labels:\n    {{- include \"hooked.labels\" . | nindent 4 }}\n\
             {{- if .Values.crds.keep }}\n  annotations:\n    helm.sh/resource-policy: keep\n{{- end }}\n",
        )],
        adapt: str::to_owned,
    },
    Template {
        edits: &[(
            "    app.kubernetes.io/component: controller\n",
            "    app.kubernetes.io/component: controller\n{{- with .Values.serviceAccount.annotations }}\n  annotations:\n    \
             {{- toYaml . | nindent 4 }}\n{{- end }}\n",
        )],
        ..plain("config/rbac/service_account.yaml", "config/chart/templates/rbac/service_account.yaml")
    },
    Template {
        source: "config/rbac/role.yaml",
        path: "config/chart/templates/rbac/_rules.tpl",
        frame: Frame::Define("hooked.rules"),
        edits: RULES,
        adapt: str::to_owned,
    },
    Template {
        frame: Frame::If("not .Values.watchNamespaces"),
        edits: &[(
            "  name: hooked-controller-watched\n",
            "  name: {{ include \"hooked.clusterName\" . }}-watched\n",
        )],
        ..plain("config/rbac/watched_role.yaml", "config/chart/templates/rbac/watched_role.yaml")
    },
    Template {
        frame: Frame::If("not .Values.watchNamespaces"),
        edits: &[
            (
                "metadata:\n  name: hooked-controller-watched\n",
                "metadata:\n  name: {{ include \"hooked.clusterName\" . }}-watched\n",
            ),
            (
                "kind: ClusterRole\n  name: hooked-controller-watched\n",
                "kind: ClusterRole\n  name: {{ include \"hooked.clusterName\" . }}-watched\n",
            ),
        ],
        ..plain(
            "config/rbac/watched_role_binding.yaml",
            "config/chart/templates/rbac/watched_role_binding.yaml",
        )
    },
    plain("config/rbac/leader_election_role.yaml", "config/chart/templates/rbac/leader_election_role.yaml"),
    plain("config/rbac/live_role.yaml", "config/chart/templates/rbac/live_role.yaml"),
    plain("config/rbac/live_role_binding.yaml", "config/chart/templates/rbac/live_role_binding.yaml"),
    Template {
        frame: Frame::If(".Values.rbac.aggregatedRoles"),
        ..plain(
            "config/rbac/hookedworkload_admin_role.yaml",
            "config/chart/templates/rbac/hookedworkload_admin_role.yaml",
        )
    },
    Template {
        frame: Frame::If(".Values.rbac.aggregatedRoles"),
        ..plain(
            "config/rbac/hookedworkload_editor_role.yaml",
            "config/chart/templates/rbac/hookedworkload_editor_role.yaml",
        )
    },
    Template {
        frame: Frame::If(".Values.rbac.aggregatedRoles"),
        ..plain(
            "config/rbac/hookedworkload_viewer_role.yaml",
            "config/chart/templates/rbac/hookedworkload_viewer_role.yaml",
        )
    },
    Template {
        frame: Frame::If(".Values.podDisruptionBudget"),
        ..plain("config/manager/disruption_budget.yaml", "config/chart/templates/disruption_budget.yaml")
    },
    Template {
        frame: Frame::If("and .Values.criticalPodsQuota (hasPrefix \"system-\" .Values.priorityClassName)"),
        edits: &[(
            "      values: [system-cluster-critical]\n",
            "      values: [{{ .Values.priorityClassName }}]\n",
        )],
        ..plain("config/manager/critical_pods_quota.yaml", "config/chart/templates/critical_pods_quota.yaml")
    },
    Template {
        frame: Frame::If(".Values.networkPolicy"),
        ..plain(
            "config/components/network-policy/network_policy.yaml",
            "config/chart/templates/network_policy.yaml",
        )
    },
    Template {
        frame: Frame::If(INJECTOR),
        edits: &[
            ("  name: hooked-injector\n", "  name: hooked-injector{{ include \"hooked.suffix\" . }}\n"),
            ("[kube-system, hooked-system]", "[kube-system, {{ .Release.Namespace }}]"),
        ],
        ..plain("config/injector/webhook.yaml", "config/chart/templates/injector/webhook.yaml")
    },
    Template {
        frame: Frame::If(INJECTOR),
        ..plain("config/injector/service.yaml", "config/chart/templates/injector/service.yaml")
    },
    Template {
        frame: Frame::If(INJECTOR),
        ..plain("config/injector/secret.yaml", "config/chart/templates/injector/secret.yaml")
    },
    Template {
        frame: Frame::If(INJECTOR),
        ..plain("config/injector/role.yaml", "config/chart/templates/injector/role.yaml")
    },
    Template {
        frame: Frame::If(INJECTOR),
        edits: &[("[hooked-injector]", "[hooked-injector{{ include \"hooked.suffix\" . }}]")],
        adapt: of_each_injector,
        ..plain("config/injector/cluster_role.yaml", "config/chart/templates/injector/cluster_role.yaml")
    },
    Template {
        frame: Frame::If(".Values.metrics.secure"),
        adapt: of_each_installation,
        ..plain(
            "config/components/metrics-tls/metrics_reader_role.yaml",
            "config/chart/templates/rbac/metrics_reader_role.yaml",
        )
    },
    Template {
        frame: Frame::If(".Values.metrics.secure"),
        adapt: of_each_installation,
        ..plain(
            "config/components/metrics-tls/metrics_reviewer_role.yaml",
            "config/chart/templates/rbac/metrics_reviewer_role.yaml",
        )
    },
    Template {
        frame: Frame::If(".Values.prometheus.serviceMonitor.enabled"),
        edits: &[
            (
                "    app.kubernetes.io/component: controller\nspec:\n",
                "    app.kubernetes.io/component: controller\n{{- with .Values.prometheus.serviceMonitor.labels }}\n    \
                 {{- toYaml . | nindent 4 }}\n{{- end }}\nspec:\n",
            ),
            ("    interval: 30s\n", "    interval: {{ .Values.prometheus.serviceMonitor.interval }}\n"),
            (
                "  - port: metrics\n",
                "  - port: metrics\n{{- if .Values.metrics.secure }}\n    scheme: https\n    bearerTokenFile: \
                 /var/run/secrets/kubernetes.io/serviceaccount/token\n    tlsConfig:\n      insecureSkipVerify: true\n{{- end }}\n",
            ),
        ],
        ..plain(
            "config/prometheus/service_monitor.yaml",
            "config/chart/templates/monitoring/service_monitor.yaml",
        )
    },
    Template {
        frame: Frame::If(".Values.prometheus.rules.enabled"),
        edits: ALERTS,
        adapt: alerts_with_runbooks,
        ..plain(
            "config/prometheus/prometheus_rule.yaml",
            "config/chart/templates/monitoring/prometheus_rule.yaml",
        )
    },
    Template {
        frame: Frame::If("and .Values.grafana.dashboards.enabled .Values.grafana.operator"),
        ..plain(
            "config/grafana/operator/dashboards.yaml",
            "config/chart/templates/monitoring/grafana_dashboards.yaml",
        )
    },
    plain("config/manager/live_secret.yaml", "config/chart/templates/live_secret.yaml"),
    plain("config/manager/live_service.yaml", "config/chart/templates/live_service.yaml"),
    plain("config/manager/metrics_service.yaml", "config/chart/templates/metrics_service.yaml"),
    Template {
        source: "config/manager/deployment.yaml",
        path: "config/chart/templates/deployment.yaml",
        frame: Frame::None,
        edits: DEPLOYMENT,
        adapt: str::to_owned,
    },
];

/// What the alerts take from the values.
const ALERTS: &[(&str, &str)] = &[
    ("          > 0.1\n", "          > {{ .Values.prometheus.rules.thresholds.failureRatio }}\n"),
    ("        ) > 1.5\n", "        ) > {{ .Values.prometheus.rules.thresholds.failures }}\n"),
    ("        ) > 600\n", "        ) > {{ .Values.prometheus.rules.thresholds.stuckSeconds }}\n"),
    ("        ) > 2.5\n", "        ) > {{ .Values.prometheus.rules.thresholds.kills }}\n"),
    ("        ) > 0.8\n", "        ) > {{ .Values.prometheus.rules.thresholds.graceRatio }}\n"),
    (
        "timestamp_seconds) > 300\n",
        "timestamp_seconds) > {{ .Values.prometheus.rules.thresholds.lateSeconds }}\n",
    ),
    ("[10m])) > 3\n", "[10m])) > {{ .Values.prometheus.rules.thresholds.reconcileErrors }}\n"),
    (
        "    app.kubernetes.io/component: controller\nspec:\n",
        "    app.kubernetes.io/component: controller\n\
         {{- with .Values.prometheus.rules.labels }}\n    {{- toYaml . | nindent 4 }}\n{{- end }}\nspec:\n",
    ),
];

/// Names of the whole cluster are other ones for each namespace that Hooked is installed in.
fn of_each_installation(text: &str) -> String {
    ["reader", "reviewer"].iter().fold(text.to_owned(), |text, role| {
        let name = format!("name: hooked-metrics-{role}\n");
        text.replace(&name, &format!("{}{{{{ include \"hooked.suffix\" . }}}}\n", name.trim_end()))
    })
}

/// The same of the injector's role and its binding.
fn of_each_injector(text: &str) -> String {
    text.replace(
        "name: hooked-controller-injector\n",
        "name: {{ include \"hooked.clusterName\" . }}-injector\n",
    )
}

/// The base of the alerts' runbooks becomes a value.
fn alerts_with_runbooks(text: &str) -> String {
    alerts::settable(text).replace(
        "runbook_url: https://hooked.dev/runbooks/",
        "runbook_url: {{ $.Values.prometheus.rules.runbooks }}",
    )
}

/// The operator's rules without whom they are for; where it works in some namespaces alone, without what has none.
const RULES: &[(&str, &str)] = &[
    (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: hooked-controller\n  labels:\n    \
         app.kubernetes.io/name: hooked\n    app.kubernetes.io/component: rbac\nrules:\n",
        "rules:\n",
    ),
    (
        "# To know the nodes' architectures",
        "{{- if not .Values.watchNamespaces }}\n# To know the nodes' architectures",
    ),
    (
        "  resources: [nodes]\n  verbs: [list]\n",
        "  resources: [nodes]\n  verbs: [list]\n{{- end }}\n\
         {{- with .Values.runner.pullSecret }}\n- apiGroups: [\"\"]\n  resources: [secrets]\n  resourceNames: [{{ . }}]\n  \
         verbs: [get]\n{{- end }}\n",
    ),
    (
        "# To know by the cluster's own keys",
        "{{- if not .Values.watchNamespaces }}\n# To know by the cluster's own keys",
    ),
    (
        "- nonResourceURLs: [/.well-known/openid-configuration, /openid/v1/jwks]\n  verbs: [get]\n",
        "- nonResourceURLs: [/.well-known/openid-configuration, /openid/v1/jwks]\n  verbs: [get]\n{{- end }}\n",
    ),
];

/// What the operator's Deployment takes from the values.
const DEPLOYMENT: &[(&str, &str)] = &[
    ("  replicas: 2\n", "  replicas: {{ .Values.replicas }}\n"),
    (
        "      priorityClassName: system-cluster-critical\n",
        "{{- with .Values.priorityClassName }}\n      priorityClassName: {{ . }}\n{{- end }}\n",
    ),
    (
        "      # On two nodes and in two zones",
        "{{- if .Values.spread }}\n      # On two nodes and in two zones",
    ),
    (
        "        matchLabelKeys: [pod-template-hash]\n      # It holds nothing",
        "        matchLabelKeys: [pod-template-hash]\n{{- end }}\n      # It holds nothing",
    ),
    (
        "        resources:\n          requests:\n            cpu: 10m\n            memory: 64Mi\n          limits:\n            \
         cpu: \"1\"\n            memory: 256Mi\n",
        "        resources:\n          {{- toYaml .Values.resources | nindent 10 }}\n",
    ),
    (
        "      serviceAccountName: hooked-controller\n",
        "      serviceAccountName: hooked-controller\n\
         {{- with .Values.imagePullSecrets }}\n      imagePullSecrets:\n        {{- toYaml . | nindent 6 }}\n{{- end }}\n\
         {{- with .Values.nodeSelector }}\n      nodeSelector:\n        {{- toYaml . | nindent 8 }}\n{{- end }}\n\
         {{- with .Values.affinity }}\n      affinity:\n        {{- toYaml . | nindent 8 }}\n{{- end }}\n\
         {{- with .Values.tolerations }}\n      tolerations:\n        {{- toYaml . | nindent 6 }}\n{{- end }}\n",
    ),
    ("        image: hooked.dev/hooked:dev\n", "        image: {{ include \"hooked.image\" . | quote }}\n"),
    ("        imagePullPolicy: IfNotPresent\n", "        imagePullPolicy: {{ .Values.image.pullPolicy }}\n"),
    (
        "        - --live-bind-address=:8443\n",
        "        - --live-bind-address=:8443\n        {{- include \"hooked.args\" . | nindent 8 }}\n",
    ),
    (
        "          containerPort: 8443\n",
        "          containerPort: 8443\n{{- if .Values.injector }}\n        - name: inject\n          containerPort: 9443\n\
         {{- end }}\n",
    ),
];

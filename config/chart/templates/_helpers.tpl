{{/* Labels of everything that the chart installs, beside those that say what a thing is. */}}
{{- define "hooked.labels" -}}
app.kubernetes.io/part-of: hooked
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The image of the operator. */}}
{{- define "hooked.image" -}}
{{- $image := printf "%s/%s" .Values.image.registry .Values.image.repository }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $image .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $image (.Values.image.tag | default (printf "v%s" .Chart.AppVersion)) }}
{{- end }}
{{- end }}

{{/* What has no namespace has another name for each namespace that Hooked is installed in, so that two installations in
     one cluster do not take each other's. */}}
{{- define "hooked.suffix" -}}
{{- if ne .Release.Namespace "hooked-system" }}-{{ .Release.Namespace }}{{ end }}
{{- end }}
{{- define "hooked.clusterName" -}}
hooked-controller{{ include "hooked.suffix" . }}
{{- end }}

{{/* Flags of the operator that values set. */}}
{{- define "hooked.args" -}}
{{- range .Values.watchNamespaces }}
- --namespace={{ . }}
{{- end }}
{{- range .Values.takeOver }}
- --take-over={{ . }}
{{- end }}
{{- with .Values.runner.image }}
- --runner-image={{ . }}
{{- end }}
{{- with .Values.runner.pullSecret }}
- --runner-pull-secret={{ . }}
{{- end }}
{{- with .Values.runner.architectures }}
- --runner-architectures={{ join "," . }}
{{- end }}
{{- with .Values.runner.injection }}
- --injection={{ . }}
{{- end }}
{{- if .Values.metrics.secure }}
- --metrics-secure
{{- end }}
{{- if .Values.injector }}
- --inject-bind-address=:9443
{{- with include "hooked.suffix" . }}
- --inject-configuration=hooked-injector{{ . }}
{{- end }}
{{- end }}
{{- with .Values.log.level }}
- --log-level={{ . }}
{{- end }}
{{- with .Values.log.format }}
- --log-format={{ . }}
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}

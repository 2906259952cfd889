{{- define "aula.labels" -}}
app.kubernetes.io/name: aula
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "aula.selector" -}}
app.kubernetes.io/name: aula
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "aula.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* The same for each container that is this image, and for the proxy. */}}
{{- define "aula.container" -}}
image: {{ include "aula.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{ include "aula.confined" . }}
{{- end }}

{{- define "aula.confined" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "aula.environment" -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: AULA_HOME
  value: /var/lib/aula/home
- name: AULA_NAME
  value: $(POD_NAME)
{{- end }}

{{- define "aula.settings" -}}
{{- range $name, $value := .Values.environment }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* How the API is told and listened to, of each node. */}}
{{- define "aula.api" -}}
- name: AULA_API_LISTEN
  value: 0.0.0.0:8480
- name: AULA_API_TLS_CERTIFICATE
  value: /etc/aula/tls/tls.crt
- name: AULA_API_TLS_KEY
  value: /etc/aula/tls/tls.key
{{- with .Values.genesis.peers }}
- name: AULA_P2P_PEERS
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}

{{- define "aula.node.ports" -}}
- { name: api, containerPort: 8480 }
- { name: p2p, containerPort: 8481 }
- { name: gossip, containerPort: 8482 }
{{- end }}

{{- define "aula.node.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: api, scheme: HTTPS }
  {{- toYaml .Values.probes.startup | nindent 2 }}
livenessProbe:
  httpGet: { path: /healthz, port: api, scheme: HTTPS }
  {{- toYaml .Values.probes.liveness | nindent 2 }}
readinessProbe:
  httpGet: { path: /readyz, port: api, scheme: HTTPS }
  {{- toYaml .Values.probes.readiness | nindent 2 }}
{{- end }}

{{/* What every pod of this chart says of itself. */}}
{{- define "aula.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10480
  runAsGroup: 10480
  fsGroup: 10480
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "aula.annotations" -}}
kubectl.kubernetes.io/default-container: node
{{- if .Values.scrapeAnnotations }}
prometheus.io/scrape: "true"
prometheus.io/scheme: https
prometheus.io/port: "8480"
prometheus.io/path: /metrics
{{- end }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "aula.genesis" -}}
name: genesis
configMap:
  name: {{ .Values.genesis.existingConfigMap | default (printf "%s-genesis" .Release.Name) }}
  # Until it is there, pods show their public keys and wait.
  optional: true
{{- end }}

{{- define "aula.apiName" -}}
{{ .Values.api.name | default (printf "%s.%s.svc" .Release.Name .Release.Namespace) }}
{{- end }}

{{/* Nodes that follow are other pods to every Service and rule. */}}
{{- define "aula.followers.selector" -}}
app.kubernetes.io/name: aula-follower
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "aula.followers.labels" -}}
{{ include "aula.followers.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The reference design's rule: more than three, and their number follows the load. */}}
{{- define "aula.followers.scale" -}}
{{- if and (gt (int .Values.followers.replicas) 3) (gt (int .Values.followers.maxReplicas) (int .Values.followers.replicas)) }}yes{{ end }}
{{- end }}

{{/* A value as TOML: JSON but for tables, which are inline. */}}
{{- define "aula.toml" -}}
{{- if kindIs "map" . }}{ {{ $first := true }}{{ range $key, $value := . }}{{ if not $first }}, {{ end }}{{ $first = false }}{{ toJson $key }} = {{ include "aula.toml" $value }}{{ end }} }
{{- else if kindIs "slice" . }}[{{ range $at, $value := . }}{{ if $at }}, {{ end }}{{ include "aula.toml" $value }}{{ end }}]
{{- else }}{{ toJson . }}{{ end }}
{{- end }}

{{- define "aula.toml.table" -}}
{{- range $key, $value := . }}
{{ $key }} = {{ include "aula.toml" $value }}
{{- end }}
{{- end }}

{{/* config.toml as the values write it; empty where they do not. */}}
{{- define "aula.config" -}}
{{- if .Values.config.inline }}{{ .Values.config.inline }}
{{- else }}
{{- range $section, $table := .Values.config.settings }}
{{- if kindIs "slice" $table }}
{{- range $table }}
[[{{ $section }}]]
{{- include "aula.toml.table" . }}
{{ end }}
{{- else }}
[{{ $section }}]
{{- include "aula.toml.table" $table }}
{{ end }}
{{- end }}
{{- end }}
{{- end }}

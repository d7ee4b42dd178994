{{- define "baseload.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "baseload.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "baseload.labels" -}}
{{ include "baseload.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "baseload.serviceAccount" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else if .Values.serviceAccount.create -}}
{{- include "baseload.name" . -}}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{- define "baseload.image" -}}
{{- $repository := required "image.repository: where was the image pushed to?" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The ConfigMap that holds the schedules; empty for a remote source. Exactly one of the three must be named. */}}
{{- define "baseload.configMap" -}}
{{- $named := list -}}
{{- with .Values.schedules.source }}{{ $named = append $named "source" }}{{ end -}}
{{- with .Values.schedules.files }}{{ $named = append $named "files" }}{{ end -}}
{{- with .Values.schedules.existingConfigMap }}{{ $named = append $named "existingConfigMap" }}{{ end -}}
{{- if ne (len $named) 1 -}}
{{- fail "schedules: name one of source, files and existingConfigMap" -}}
{{- end -}}
{{- if .Values.schedules.existingConfigMap -}}
{{- .Values.schedules.existingConfigMap -}}
{{- else if .Values.schedules.files -}}
{{- printf "%s-schedules" (include "baseload.name" .) -}}
{{- end -}}
{{- end -}}

{{- define "baseload.lease" -}}
{{- $key := default (printf "%s/%s" .Release.Namespace (include "baseload.name" .)) .Values.lease.key -}}
{{- printf "dynamodb://%s/%s" .Values.lease.table $key -}}
{{- end -}}

{{- define "baseload.accounts" -}}
{{- $accounts := list -}}
{{- range $name, $way := . }}{{ $accounts = append $accounts (printf "%s=%s" $name $way) }}{{ end -}}
{{- join "," $accounts -}}
{{- end -}}

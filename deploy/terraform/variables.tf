variable "name" {
  description = "Name of the service, its roles, its log group and its security group."
  type        = string
  default     = "baseload"

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9-]{0,29}$", var.name))
    error_message = "A name begins with a letter and has letters, digits and hyphens, 30 at most."
  }
}

variable "image" {
  description = "The image, best by digest: REPOSITORY@sha256:…"
  type        = string

  validation {
    condition     = !endswith(var.image, ":latest") && can(regex("[:@]", var.image))
    error_message = "Name a version or, better, a digest: what runs should not change by itself."
  }
}

variable "image_repository_arn" {
  description = "The ECR repository that the image comes from; empty for a public image."
  type        = string
  default     = ""

  validation {
    condition     = var.image_repository_arn == "" || can(regex("^arn:[^:]+:ecr:[^:]+:[0-9]{12}:repository/", var.image_repository_arn))
    error_message = "The ARN of an ECR repository, or empty."
  }
}

variable "architecture" {
  description = "ARM64 or X86_64, as the image was built."
  type        = string
  default     = "ARM64"

  validation {
    condition     = contains(["ARM64", "X86_64"], var.architecture)
    error_message = "ARM64 or X86_64."
  }
}

variable "cluster_arn" {
  description = "The ECS cluster that Baseload itself runs in."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:ecs:[^:]+:[0-9]{12}:cluster/", var.cluster_arn))
    error_message = "The ARN of an ECS cluster."
  }
}

variable "managed_clusters" {
  description = "Names of the clusters whose services it may look after, in this account and region."
  type        = list(string)

  validation {
    condition     = length(var.managed_clusters) > 0 && alltrue([for name in var.managed_clusters : can(regex("^[a-zA-Z0-9_-]{1,255}$", name))])
    error_message = "At least one cluster, by its name, not its ARN."
  }
}

variable "accounts" {
  description = "Other accounts that schedules may name in `aws`, each with the role that reaches it (the sub-module account makes it); own for this account."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, way in var.accounts : can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$", name)) && can(regex("^(own|arn:[^:]+:iam::[0-9]{12}:role/.+)$", way))])
    error_message = "NAME = the ARN of a role, or own; a name has letters, digits, hyphens and underscores, 63 at most."
  }
}

variable "schedules" {
  description = "Where the schedules are: git+https://HOST/PATH.git?ref=BRANCH&path=FOLDER, s3://BUCKET/PREFIX, or /schedules where they are baked into the image."
  type        = string

  validation {
    condition     = can(regex("^(git\\+https://|s3://|/)", var.schedules))
    error_message = "git+https://…, s3://… or a folder of the image, as an absolute path."
  }
}

variable "git_token_secret_arn" {
  description = "A secret of Secrets Manager, or a SecureString of SSM's Parameter Store, that holds the token for a git source; empty for a public repository."
  type        = string
  default     = ""

  validation {
    condition     = var.git_token_secret_arn == "" || can(regex("^arn:[^:]+:(secretsmanager:[^:]+:[0-9]{12}:secret:|ssm:[^:]+:[0-9]{12}:parameter/)", var.git_token_secret_arn))
    error_message = "The ARN of a secret or of a parameter, or empty."
  }
}

variable "dry_run" {
  description = "Observe only: report what would be written, and have no permission to write."
  type        = bool
  default     = false
}

variable "vpc_id" {
  description = "The VPC of the subnets."
  type        = string

  validation {
    condition     = startswith(var.vpc_id, "vpc-")
    error_message = "The id of a VPC, vpc-…"
  }
}

variable "subnet_ids" {
  description = "Subnets with a way to AWS's APIs and to the schedules: by NAT, or by interface endpoints."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "At least one subnet."
  }
}

variable "assign_public_ip" {
  description = "Whether the task has a public address; only for public subnets without NAT."
  type        = bool
  default     = false
}

variable "scraper_security_group_id" {
  description = "The security group of whoever scrapes /metrics, the only one that reaches the port; empty: nobody does."
  type        = string
  default     = ""

  validation {
    condition     = var.scraper_security_group_id == "" || startswith(var.scraper_security_group_id, "sg-")
    error_message = "The id of a security group, sg-…, or empty."
  }
}

variable "cloud_map_namespace_id" {
  description = "A private DNS namespace of Cloud Map to be found in, as NAME.NAMESPACE, by Prometheus's dns_sd_configs; empty for none."
  type        = string
  default     = ""
}

variable "collector_image" {
  description = "An image of the AWS Distro for OpenTelemetry, run beside Baseload to send its metrics on; empty for none."
  type        = string
  default     = ""

  validation {
    condition     = !endswith(var.collector_image, ":latest")
    error_message = "Name a version that you have tried."
  }
}

variable "prometheus_workspace_arn" {
  description = "The workspace of Amazon Managed Service for Prometheus that the collector writes to."
  type        = string
  default     = ""
}

variable "prometheus_remote_write_url" {
  description = "That workspace's remote write URL, https://aps-workspaces.REGION.amazonaws.com/workspaces/ID/api/v1/remote_write."
  type        = string
  default     = ""

  validation {
    condition     = var.prometheus_remote_write_url == "" || startswith(var.prometheus_remote_write_url, "https://")
    error_message = "A URL that begins with https://, or empty."
  }
}

variable "lease_table" {
  description = "Name of a DynamoDB table to create for a lease, by which a second task stands by; empty: one task alone."
  type        = string
  default     = ""

  validation {
    condition     = var.lease_table == "" || can(regex("^[a-zA-Z0-9._-]{3,255}$", var.lease_table))
    error_message = "A table's name has 3 to 255 letters, digits, dots, underscores and hyphens."
  }
}

variable "log_retention_days" {
  description = "How long the log is kept, in days."
  type        = number
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "A retention that CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731 days."
  }
}

variable "log_kms_key_arn" {
  description = "A KMS key for the log; empty for CloudWatch's own encryption."
  type        = string
  default     = ""
}

variable "tags" {
  description = "Tags for everything."
  type        = map(string)
  default     = {}
}

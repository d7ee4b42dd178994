variable "name" {
  description = "Name of the role: the same in every account, so that its ARN is known beforehand."
  type        = string
  default     = "baseload"

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9-]{0,63}$", var.name))
    error_message = "A name begins with a letter and has letters, digits and hyphens, 64 at most."
  }
}

variable "controller_role_arn" {
  description = "The role that Baseload itself runs as: the output task_role_arn of the module, or the service account's role."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:iam::[0-9]{12}:role/", var.controller_role_arn))
    error_message = "The ARN of a role."
  }
}

variable "managed_clusters" {
  description = "Names of the clusters in this account whose services it may look after."
  type        = list(string)

  validation {
    condition     = length(var.managed_clusters) > 0 && alltrue([for name in var.managed_clusters : can(regex("^[a-zA-Z0-9_-]{1,255}$", name))])
    error_message = "At least one cluster, by its name, not its ARN."
  }
}

variable "regions" {
  description = "The regions of this account in which it may do so."
  type        = list(string)

  validation {
    condition     = length(var.regions) > 0 && alltrue([for name in var.regions : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", name))])
    error_message = "At least one region, such as eu-west-1."
  }
}

variable "dry_run" {
  description = "Observe only: no permission to write."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags for the role."
  type        = map(string)
  default     = {}
}
